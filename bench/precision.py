#!/usr/bin/env python3
"""The precisions below fp32 against it on this CPU: composites per second, the recheck and the calibration included.

For each network Backdrop first answers in fp32; then all precisions take turns, so that a change of the machine's speed
meets all. Every answer below fp32 must have fp32's predictions, or nothing is written. What counts is the pairs over the time of
the search and of the calibration, which loading and decoding are not part of. `searching` leaves the calibration out: it is
the same for a search of any size. A precision whose instructions the processor lacks is left out.

    bench/precision.py --data-path DATA --checkpoint resnet18=FILE resnet50=FILE [--foregrounds 45] [--backgrounds 90]

bench/trained_network.py makes checkpoints where there is none. Writes bench/results/NAME.json with every single
run, and NAME.md with a table.
"""

import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH / "peers"))
sys.path.insert(0, str(BENCH))
import arguments as command_line  # noqa: E402
import in9  # noqa: E402
import machine  # noqa: E402

PRECISIONS = ("fp32", "bf16", "int16", "int8")
NO_INSTRUCTIONS = 4  # the command's exit status


def parse_arguments():
    parser = command_line.Parser(__doc__)
    parser.add_argument("--data-path", type=command_line.tree, required=True, help="root of an IN-9 tree")
    parser.add_argument("--checkpoint", nargs="+", type=command_line.network_file, required=True, metavar="ARCH=FILE")
    parser.add_argument("--foregrounds", type=command_line.at_least(1), default=45)
    parser.add_argument("--backgrounds", type=command_line.at_least(1), default=90)
    parser.add_argument("--rounds", type=command_line.at_least(1), default=3)
    parser.add_argument("--threads", type=command_line.at_least(1), default=len(os.sched_getaffinity(0)))
    parser.add_argument("--backdrop", type=command_line.program, default=str(BENCH.parent / "build" / "backdrop"), help="the command")
    parser.add_argument("--name", type=command_line.name, default="cpu_precision", help="of the files under bench/results")
    return parser.parse_args()


def search(arguments, arch, checkpoint, data, precision, results):
    command = [arguments.backdrop, "challenge", "--arch", arch, "--checkpoint", checkpoint, "--in9", "--data-path", str(data),
               "--mode", "all", "--device", "cpu", "--threads", str(arguments.threads), "--precision", precision, "--out",
               str(results), "--force", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == NO_INSTRUCTIONS:
        return None
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr.strip()}")
    return json.loads((results / "run.json").read_text()), np.load(results / "predictions.npy")


def measure(arguments, arch, checkpoint, data, scratch):
    runs = []
    expected = None
    for round_number in range(arguments.rounds):
        for precision in PRECISIONS:
            found = search(arguments, arch, checkpoint, data, precision, scratch / precision)
            if found is None:
                continue
            record, predictions = found
            if expected is None:
                expected = predictions
            if (different := int((predictions != expected).sum())):
                sys.exit(f"{arch}: {different} of {expected.size} predictions in {precision} are not fp32's")
            screening = record.get("screening", {"calibration_seconds": 0, "again_seconds": 0})
            pairs, seconds = record["pairs"]["evaluated"], record["seconds"]["search"]
            runs.append({"precision": precision, "round": round_number, "screening": screening,
                         "searching": pairs / seconds, "all": pairs / (seconds + screening["calibration_seconds"]),
                         "fast": pairs / (seconds - screening["again_seconds"])})
    return {"arch": arch, "checkpoint": Path(checkpoint).name, "pairs": int(expected.size), "runs": runs}


def ratios(network, precision, figure):
    def of(name):
        return [run[figure] for run in network["runs"] if run["precision"] == name]
    return [ours / fp32 for ours, fp32 in zip(of(precision), of("fp32"))]


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(record):
    lines = [f"# {record['name']}", "",
             f"{record['date']}, revision {record['revision']}, {record['machine']['cpu']} "
             f"({' '.join(record['machine']['instruction_sets'])}), {record['threads']} threads, "
             f"{record['foregrounds']} foregrounds on {record['backgrounds']} backgrounds, {record['rounds']} rounds. Rates in "
             "composites per second and their ratios to fp32's: median (smallest to largest). Every prediction is fp32's.", "",
             "| network | precision | rate | / fp32 | / fp32, searching | / fp32, fast pass alone | decided again | audit: wrong of "
             "audited |",
             "|---" * 8 + "|"]
    for network in record["networks"]:
        for precision in PRECISIONS:
            runs = [run for run in network["runs"] if run["precision"] == precision]
            if not runs:
                continue
            cells = [network["arch"], precision, spread([run["all"] for run in runs], 1)]
            if precision == "fp32":
                cells += [""] * 5
            else:
                seen = runs[-1]["screening"]
                cells[1] += f", sums in {seen['sums']}" if seen["sums"] else ""
                cells += [spread(ratios(network, precision, figure)) for figure in ("all", "searching", "fast")]
                cells += [f"{seen['rechecked'] / seen['composites']:.2%}", f"{seen['wrong']} of {seen['audited']}"]
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "Checkpoints: " + ", ".join(f"{network['arch']} {network['checkpoint']}" for network in record["networks"]) + "."]
    return "\n".join(lines + ["", f"Made by `{record['command']}`.", ""])


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="backdrop_") as scratch:
        scratch = Path(scratch)
        data = scratch / "data"
        in9.link_subset(arguments.data_path, data, arguments.foregrounds, arguments.backgrounds)
        networks = [measure(arguments, *entry, data, scratch) for entry in arguments.checkpoint]
        counts = len(in9.list_foregrounds(data)), len(in9.list_files(data, "only_bg_t"))
    record = {"name": arguments.name, "date": datetime.date.today().isoformat(), "revision": machine.describe_revision(arguments.backdrop),
              "command": command_line.described("bench/precision.py"), "machine": machine.describe_machine(),
              "threads": arguments.threads, "foregrounds": counts[0], "backgrounds": counts[1], "rounds": arguments.rounds,
              "networks": networks}
    (BENCH / "results" / f"{arguments.name}.json").write_text(json.dumps(record, indent=1) + "\n")
    (BENCH / "results" / f"{arguments.name}.md").write_text(table(record))
    print(table(record))


if __name__ == "__main__":
    main()
