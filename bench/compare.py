#!/usr/bin/env python3
"""Backdrop against what people would use instead, on the same composites, with the same threads, on the CPU.

For each network every program first answers, and its predictions are compared with Backdrop's: a benchmark of two
different answers would mean nothing. In fp32 none may differ where the two best logits are further apart than rounding
(1e-3 of the largest); below fp32 the share that differs is part of the result. Then all take turns, round after round,
so that a change of the machine's speed meets all; what each timed search answered is compared again. Weights are the
checkpoint's where one is given and seeded random ones elsewhere, the same for all.

    bench/compare.py --data-path DATA [--run resnet18=45x64 ...] [--checkpoint resnet18=FILE] [--lower resnet18]

Writes NAME.json with every single run, NAME.md with tables and NAME.svg into bench/results. scripts/bench.sh sets up
what this needs.
"""

import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH / "peers"))
import arguments as command_line  # noqa: E402
import comparison_tables  # noqa: E402
import in9  # noqa: E402
from contestants import Backdrop, Job, Peer, PublishedLoop, Skipped, last_line  # noqa: E402
from machine import CALM, Disturbance, describe_machine, describe_revision  # noqa: E402

RESULTS = BENCH / "results"
TOLERANCE = 1e-3
PEERS = (("PyTorch", "pytorch_peer", {"fp32": "weights.pt", "bf16": "weights.pt"}),
         ("ONNX Runtime", "onnxruntime_peer", {"fp32": "network.onnx", "int8": "onnxruntime_int8.onnx"}),
         ("OpenVINO", "openvino_peer", {"fp32": "network.onnx", "bf16": "network.onnx", "int8": "openvino_int8.xml"}))


def parse_arguments():
    parser = command_line.Parser(__doc__)
    parser.add_argument("--data-path", type=command_line.tree, required=True, help="root of an IN-9 tree")
    parser.add_argument("--run", nargs="+", type=command_line.network_size, metavar="ARCH=FxB",
                        default=[("resnet18", (45, 64)), ("resnet50", (18, 32)), ("vgg16_bn", (9, 32))],
                        help="networks, with foregrounds x backgrounds")
    parser.add_argument("--lower", nargs="*", metavar="ARCH",
                        help="networks that run below fp32 too, wherever a program offers them (default: those with a "
                        "checkpoint; random weights say nothing about rounding)")
    parser.add_argument("--checkpoint", nargs="*", type=command_line.network_file, default=[], metavar="ARCH=FILE")
    parser.add_argument("--rounds", type=command_line.at_least(1), default=3)
    parser.add_argument("--patience", type=command_line.at_least(0), default=1,
                        help="how often a search is run again if others took more than 5%% of the processors")
    parser.add_argument("--quick", action="store_true", help="tune the peers over fewer candidates")
    parser.add_argument("--settings", type=command_line.settings,
                        help="JSON of earlier tuning, as bench/peers/settings.json: {ARCH: {PEER PRECISION: {...}}}; peers "
                        "without an entry are left out")
    parser.add_argument("--models", type=Path, help="folder of an earlier peers/prepare.py, for a single network")
    parser.add_argument("--threads", type=command_line.at_least(1), default=len(os.sched_getaffinity(0)))
    parser.add_argument("--backdrop", type=command_line.program, default=str(BENCH.parent / "build" / "backdrop"), help="the command")
    parser.add_argument("--python", nargs="+", type=command_line.program, default=[sys.executable],
                        help="Pythons with peers; where several have an engine, the faster one runs")
    parser.add_argument("--name", type=command_line.name, default="cpu", help="of the files under bench/results")
    arguments = parser.parse_args()
    archs = [arch for arch, _ in arguments.run]
    if len(set(archs)) < len(archs):
        parser.error("argument --run: a network is there twice")
    given = [arch for arch, _ in arguments.checkpoint]
    if arguments.lower is None:
        arguments.lower = given
    for arch in (*given, *arguments.lower):
        if arch not in archs:
            parser.error(f"{arch} is not among the networks of --run: {', '.join(archs)}")
    if arguments.models and (len(archs) > 1 or not arguments.models.is_dir()):
        parser.error("argument --models: a folder, for a single network of --run")
    if arguments.models and given:
        parser.error("argument --checkpoint: the weights are those in --models")
    return arguments


def log(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def prepare_models(arguments, job, checkpoint, lower):
    """Every program's file from one checkpoint; by the first Python that can."""
    if arguments.models:
        for file in arguments.models.iterdir():
            (job.folder / file.name).symlink_to(file.resolve())
        return {}
    options = ["--data-path", str(job.data), "--arch", job.arch, "--out", str(job.folder)]
    options += ["--checkpoint", checkpoint] if checkpoint else []
    options += ["--int8"] if lower else []
    reasons = []
    for python in arguments.python:
        done = subprocess.run([python, str(BENCH / "peers" / "prepare.py"), *options], capture_output=True, text=True,
                              env=job.environment, check=False)
        if done.returncode == 0:
            return json.loads(last_line(done.stdout))["skipped"]
        reasons.append(f"{python}: {last_line(done.stderr)}")
    sys.exit(f"{job.arch}: the models cannot be written: {'; '.join(reasons)}")


def list_contestants(arguments, job, lower):
    precisions = ("fp32", "bf16", "int16", "int8") if lower else ("fp32",)
    contestants = [Backdrop(job, arguments.backdrop, precision, "on") for precision in precisions]
    contestants.insert(1, Backdrop(job, arguments.backdrop, "fp32", "off"))
    contestants += [Peer(job, name, script, models[precision], arguments.python, precision)
                    for precision in precisions for name, script, models in PEERS if precision in models]
    return [*contestants, PublishedLoop(job, arguments.python)]


class Answers:
    """Backdrop's fp32 answers, which all others must give."""

    def __init__(self, logits, labels):
        ordered = np.sort(logits, axis=2)
        self.predictions = logits.argmax(axis=2)
        self.decided = ordered[..., -1] - ordered[..., -2] > TOLERANCE * np.abs(logits).max()
        self.labels = labels

    def compare(self, predictions):
        """How many pairs differ, near ties apart, of how many."""
        decided = self.decided[:len(predictions)]
        different = (predictions != self.predictions[:len(predictions)]) & decided
        return {"compared": int(decided.sum()), "different": int(different.sum())}

    def compare_fooled(self, names, fooled):
        """The same for foregrounds found fooled or not: one whose answer hangs on a near tie may be either."""
        wrong = self.predictions != np.array([self.labels[name] for name in self.labels])[:, None]
        surely, possibly = (wrong & self.decided).any(axis=1), (wrong | ~self.decided).any(axis=1)
        places = [list(self.labels).index(name) for name in names]
        different = sum((surely[place] and not answer) or (answer and not possibly[place])
                        for place, answer in zip(places, fooled))
        return {"compared": len(names), "different": int(different)}


def take_in(contestant, answers):
    """Checks one program's answer; returns None if it may run, else why not."""
    try:
        logits = contestant.check()
    except Skipped as reason:
        return str(reason)
    contestant.agreement = (answers.compare_fooled(contestant.fooled, contestant.fooled.values()) if logits is None
                            else answers.compare(logits.argmax(axis=2)))
    if contestant.precision == "fp32" and contestant.agreement["different"]:
        return f"{contestant.agreement['different']} of {contestant.agreement['compared']} answers differ: not timed"
    log(f"  {contestant.name} {contestant.precision}: {contestant.version} {contestant.settings}, "
        f"{contestant.agreement['different']} of {contestant.agreement['compared']} answers differ")
    return None


def run_undisturbed(contestant, patience):
    """One search; again, up to `patience` times, while others take part of the processors. The calmest counts."""
    calmest = None
    for _ in range(patience + 1):
        disturbance = Disturbance()
        answer = contestant.run()
        answer["others_share"] = disturbance.share(answer["processor_seconds"])
        if calmest is None or answer["others_share"] < calmest["others_share"]:
            calmest = answer
        if answer["others_share"] < CALM:
            break
    return calmest


def run_round(contestants, answers, patience, rows):
    for contestant in contestants:
        try:
            answer = run_undisturbed(contestant, patience)
        except Skipped as reason:
            sys.exit(f"{contestant.name} {contestant.precision}: in a timed search: {reason}")
        if "predictions" in answer:
            contestant.agreement = answers.compare(answer["predictions"])
            if contestant.precision == "fp32" and contestant.agreement["different"]:
                sys.exit(f"{contestant.name}: {contestant.agreement} in a timed search")
        row = rows.setdefault((contestant.name, contestant.precision), {
            "program": contestant.name, "precision": contestant.precision, "peer": contestant.peer,
            "version": contestant.version, "settings": contestant.settings, "tried": contestant.tried, "runs": []})
        row["agreement"] = contestant.agreement
        rate = answer["composites"] / answer["seconds"]
        row["runs"].append({"composites_per_second": rate, **{key: answer[key] for key in (
            "composites", "seconds", "processor_seconds", "peak_memory_bytes", "others_share")}})
        log(f"  {contestant.name} {contestant.precision}: {rate:.1f} composites a second"
            f" ({answer['others_share']:.0%} of the machine to others)")


def measure(arguments, arch, counts, checkpoint, scratch):
    """All programs on one network."""
    log(f"{arch}: {counts[0]} foregrounds on {counts[1]} backgrounds")
    folder = scratch / arch
    folder.mkdir()
    data = folder / "data"
    in9.link_subset(arguments.data_path, data, *counts)
    labels = {mask.stem: label for _, mask, label in in9.list_foregrounds(data)}
    settings = None if arguments.settings is None else arguments.settings.get(arch, {})
    job = Job(arch, data, folder, arguments.threads, arguments.quick, settings)
    lower = arch in arguments.lower
    skipped = prepare_models(arguments, job, checkpoint, lower)
    contestants = list_contestants(arguments, job, lower)
    try:
        answers = Answers(contestants[0].check(), labels)
    except Skipped as reason:
        sys.exit(str(reason))
    able, left_out = [], [{"program": name, "precision": "", "reason": reason} for name, reason in skipped.items()]
    try:
        for contestant in contestants:
            reason = take_in(contestant, answers)
            if reason is None:
                able.append(contestant)
            else:
                log(f"  {contestant.name} {contestant.precision}: left out: {reason}")
                left_out.append({"program": contestant.name, "precision": contestant.precision, "reason": reason})
        rows = {}
        for _ in range(arguments.rounds):
            run_round(able, answers, arguments.patience, rows)
    finally:
        for contestant in contestants:
            contestant.close()
        job.log.close()
    return {"arch": arch, "foregrounds": len(labels), "backgrounds": answers.predictions.shape[1],
            "weights": "prepared" if arguments.models else "checkpoint" if checkpoint else "seeded random", "near_ties": int((~answers.decided).sum()),
            "rows": list(rows.values()), "left_out": left_out}


def write_results(arguments, networks, load, started):
    """After every network, so that a run that is stopped leaves those that were done."""
    record = {"name": arguments.name, "date": datetime.date.today().isoformat(), "revision": describe_revision(arguments.backdrop),
              "command": command_line.described("bench/compare.py"),
              "machine": describe_machine(), "threads": arguments.threads, "rounds": arguments.rounds,
              "quick": arguments.quick, "load_at_start": load, "minutes": (time.time() - started) / 60,
              "networks": networks}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{arguments.name}.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / f"{arguments.name}.md").write_text(comparison_tables.tables(record))
    (RESULTS / f"{arguments.name}.svg").write_text(comparison_tables.plot(record))
    return comparison_tables.tables(record)


def main():
    arguments = parse_arguments()
    checkpoints = dict(arguments.checkpoint)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:arguments.threads])
    load, started = os.getloadavg()[0], time.time()
    networks = []
    with tempfile.TemporaryDirectory(prefix="backdrop_") as scratch:
        for arch, counts in arguments.run:
            networks.append(measure(arguments, arch, counts, checkpoints.get(arch), Path(scratch)))
            text = write_results(arguments, networks, load, started)
    print(text)


if __name__ == "__main__":
    main()
