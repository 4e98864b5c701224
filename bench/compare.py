#!/usr/bin/env python3
"""Backdrop against PyTorch on the same composites, with the same threads, on the CPU.

For each network both programs first answer once, and their predictions are compared: a benchmark of two different
answers would mean nothing. Then they take turns - Backdrop with exact reuse, Backdrop without, PyTorch, and again - so
that a change of the machine's speed meets all. What is compared is composites per second of the search alone, in all pairs; loading and
decoding are outside the clock of both. Weights are the checkpoint's where one is given and seeded random ones
elsewhere, which PyTorch draws and Backdrop reads.

    bench/compare.py --data-path DATA [--checkpoint resnet18=CHECKPOINT] [--foregrounds 18] [--backgrounds 90]

Writes bench/results/NAME.json with every single run and what it ran on, and NAME.md with a table.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH / "peers"))
import in9  # noqa: E402

TOLERANCE = 1e-3
REUSE = {"reuse": "on", "dense": "off"}
RATIOS = (("reuse", "pytorch"), ("dense", "pytorch"), ("reuse", "dense"))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-path", required=True, help="root of an IN-9 tree")
    parser.add_argument("--arch", nargs="+", default=["resnet18", "resnet50", "vgg16_bn"])
    parser.add_argument("--checkpoint", nargs="*", default=[], metavar="ARCH=FILE")
    parser.add_argument("--foregrounds", type=int, default=18)
    parser.add_argument("--backgrounds", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--executor", default="auto", help="PyTorch's: eager, frozen, compiled; auto: the fastest")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--backdrop", default=str(BENCH.parent / "build" / "backdrop"), help="the command")
    parser.add_argument("--python", default=sys.executable, help="a Python with PyTorch and torchvision")
    parser.add_argument("--name", default="cpu_against_pytorch", help="of the files under bench/results")
    return parser.parse_args()


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr.strip()}")
    return done.stdout


class Network:
    """One network's weights and the two programs that search with it."""

    def __init__(self, arguments, arch, checkpoint, data, scratch):
        self.arguments, self.arch, self.data, self.scratch = arguments, arch, data, scratch
        self.checkpoint = checkpoint
        self.tuned = []
        self.runs = 0

    def run_pytorch(self, *options):
        command = [self.arguments.python, str(BENCH / "peers" / "pytorch_challenge.py"), "--data-path", str(self.data),
                   "--arch", self.arch, "--threads", str(self.arguments.threads), *self.tuned, *options]
        if self.checkpoint:
            command += ["--checkpoint", str(self.checkpoint)]
        return json.loads(run(command))

    def run_backdrop(self, reuse):
        self.runs += 1
        results = self.scratch / f"{self.arch}-{self.runs}"
        run([self.arguments.backdrop, "challenge", "--arch", self.arch, "--checkpoint", str(self.checkpoint), "--in9",
             "--data-path", str(self.data), "--mode", "all", "--threads", str(self.arguments.threads),
             "--reuse", reuse, "--out", str(results), "--quiet"])
        return results, json.loads((results / "run.json").read_text())

    def prepare(self):
        """Tunes PyTorch once, and returns how the two answers compare."""
        logits_file = self.scratch / f"{self.arch}.npy"
        options = ["--save-logits", str(logits_file), "--executor", self.arguments.executor]
        if not self.checkpoint:
            options += ["--save-checkpoint", str(self.scratch / f"{self.arch}.pt")]
        first = self.run_pytorch(*options)
        if not self.checkpoint:
            self.checkpoint = self.scratch / f"{self.arch}.pt"
        self.tuned = ["--executor", first["executor"], "--batch", str(first["batch"])]

        logits = np.load(logits_file)
        ordered = np.sort(logits, axis=2)
        decided = ordered[..., -1] - ordered[..., -2] > TOLERANCE * np.abs(logits).max()
        different = np.zeros(decided.shape, bool)
        for reuse in REUSE.values():
            results, _ = self.run_backdrop(reuse)
            different |= np.load(results / "predictions.npy") != logits.argmax(axis=2)
        return {"pairs": int(different.size), "different": int((different & decided).sum()),
                "near_ties": int((~decided).sum()), "executor": first["executor"], "batch": first["batch"],
                "torch": first["torch"]}


def measure(network, rounds):
    answer = network.prepare()
    if answer["different"]:
        sys.exit(f"{network.arch}: {answer['different']} of {answer['pairs']} predictions differ: nothing to time")
    rates = {name: [] for name in (*REUSE, "pytorch")}
    for _ in range(rounds):
        for name, reuse in REUSE.items():
            rates[name].append(composites_per_second(network.run_backdrop(reuse)[1]))
        rates["pytorch"].append(network.run_pytorch()["composites_per_second"])
    return {"arch": network.arch, **answer, "composites_per_second": rates,
            "ratios": {f"{ours} / {theirs}": [a / b for a, b in zip(rates[ours], rates[theirs])]
                       for ours, theirs in RATIOS}}


def composites_per_second(run_record):
    return run_record["pairs"]["evaluated"] / run_record["seconds"]["search"]


def describe_machine():
    text = Path("/proc/cpuinfo").read_text()
    entries = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    entries = {key.strip(): value.strip() for key, value in entries.items()}
    wanted = ("avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8")
    flags = set(entries.get("flags", "").split())
    return {"cpu": entries.get("model name", platform.processor()), "processors": os.cpu_count(),
            "instruction_sets": [flag for flag in wanted if flag in flags], "system": platform.system()}


def table(record):
    lines = [f"# {record['name']}", "",
             f"{record['date']}, revision {record['revision']}, {record['machine']['cpu']} "
             f"({' '.join(record['machine']['instruction_sets'])}), {record['threads']} threads, PyTorch "
             f"{record['networks'][0]['torch']}, {record['foregrounds']} foregrounds on {record['backgrounds']} "
             f"backgrounds, {record['rounds']} rounds. Composites per second of the search, median (smallest to largest)."]
    lines += ["", "| network | exact reuse | dense | PyTorch (executor, batch) | " +
              " | ".join(f"{ours} / {theirs}" for ours, theirs in RATIOS) + " |", "|---" * 7 + "|"]
    for row in record["networks"]:
        def spread(values, digits):
            return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
        rates = [spread(row["composites_per_second"][name], 1) for name in (*REUSE, "pytorch")]
        ratios = [spread(values, 2) for values in row["ratios"].values()]
        lines.append(f"| {' | '.join([row['arch'], *rates])} ({row['executor']}, {row['batch']}) | {' | '.join(ratios)} |")
    return "\n".join(lines + ["", f"Made by `{record['command']}`.", ""])


def main():
    arguments = parse_arguments()
    checkpoints = dict(entry.split("=", 1) for entry in arguments.checkpoint)
    with tempfile.TemporaryDirectory(prefix="backdrop_") as scratch:
        scratch = Path(scratch)
        data = scratch / "data"
        in9.link_subset(arguments.data_path, data, arguments.foregrounds, arguments.backgrounds)
        networks = [measure(Network(arguments, arch, checkpoints.get(arch), data, scratch), arguments.rounds)
                    for arch in arguments.arch]
        counts = len(in9.list_foregrounds(data)), len(in9.list_files(data, "only_bg_t"))
    words = [Path(word).name if os.sep in word else word for word in sys.argv]
    record = {"name": arguments.name, "date": datetime.date.today().isoformat(),
              "revision": run(["git", "-C", str(BENCH), "describe", "--always", "--dirty"]).strip(),
              "command": " ".join(["bench/compare.py", *words[1:]]), "machine": describe_machine(),
              "threads": arguments.threads, "foregrounds": counts[0], "backgrounds": counts[1],
              "rounds": arguments.rounds, "networks": networks}
    results = BENCH / "results"
    results.mkdir(exist_ok=True)
    (results / f"{arguments.name}.json").write_text(json.dumps(record, indent=1) + "\n")
    (results / f"{arguments.name}.md").write_text(table(record))
    print(table(record))


if __name__ == "__main__":
    main()
