#!/usr/bin/env python3
"""What more ranks are worth: the same search by mpirun on one rank and on several, each with one thread, in turns.

    bench/ranks.py --data-path DATA --checkpoint CHECKPOINT

All pairs of one shard of the foregrounds and all backgrounds. In the clock is the search itself, as run.json has
it. The predictions of all runs must be the same. Writes bench/results/mpi_ranks.json and a table beside it.
"""
import datetime
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import arguments as command_line
from machine import describe_machine, describe_revision

ROOT = Path(__file__).resolve().parent.parent


def parse_arguments():
    parser = command_line.Parser(__doc__)
    parser.add_argument("--backdrop", type=command_line.program, default=str(ROOT / "build" / "backdrop"))
    parser.add_argument("--data-path", type=command_line.tree, required=True)
    parser.add_argument("--checkpoint", type=command_line.file, required=True)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--ranks", type=command_line.at_least(1), nargs="+", default=[2])
    parser.add_argument("--shard", default="1/5", metavar="i/n", help="part of the foregrounds (default 1/5)")
    parser.add_argument("--rounds", type=command_line.at_least(1), default=3)
    return parser.parse_args()


def search(arguments, ranks, out):
    command = ["mpirun", "--oversubscribe", "--allow-run-as-root", "--bind-to", "none", "-n", ranks, arguments.backdrop,
               "challenge", "--arch", arguments.arch, "--in9", "--checkpoint", arguments.checkpoint, "--data-path",
               arguments.data_path, "--mode", "all", "--shard", arguments.shard, "--threads", 1, "--quiet", "--out", out]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    return json.loads((out / "run.json").read_text())


def measure(arguments, folder):
    seconds = {ranks: [] for ranks in (1, *arguments.ranks)}
    predictions = set()
    for turn in range(arguments.rounds):
        for ranks, times in seconds.items():
            out = folder / f"{turn}-{ranks}"
            record = search(arguments, ranks, out)
            times.append(record["seconds"]["search"])
            predictions.add((out / "predictions.npy").read_bytes())
            print(f"{ranks} ranks: {times[-1]:.2f} s", file=sys.stderr, flush=True)
    if len(predictions) != 1:
        sys.exit("the predictions differ: nothing to time")
    return seconds, record["pairs"]["evaluated"]


def table(record):
    lines = ["# Ranks of one thread each", "",
             f"{record['date']}, revision {record['revision']}, {record['machine']['cpu']}, {record['machine']['processors']} processors, {record['arch']}, "
             f"{record['pairs']:,} pairs, {record['rounds']} rounds in turns; median (smallest to largest).", "",
             "| ranks | seconds | as fast as one rank |", "|--:|---|---|"]
    one = record["seconds"]["1"]
    for ranks, times in record["seconds"].items():
        ratios = [a / b for a, b in zip(one, times)]
        lines.append(f"| {ranks} | {statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f}) | "
                     f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |")
    return "\n".join([*lines, "", f"Made by `{record['command']}`.", ""])


def main():
    arguments = parse_arguments()
    if shutil.which("mpirun") is None:
        sys.exit("ranks.py: mpirun is not installed")
    with tempfile.TemporaryDirectory(prefix="backdrop-ranks-") as folder:
        seconds, pairs = measure(arguments, Path(folder))
    record = {"date": datetime.date.today().isoformat(), "revision": describe_revision(arguments.backdrop),
              "command": command_line.described("bench/ranks.py"), "machine": describe_machine(),
              "arch": arguments.arch, "pairs": pairs, "rounds": arguments.rounds, "seconds": {str(ranks): times for ranks, times in seconds.items()}}
    result = ROOT / "bench" / "results" / "mpi_ranks.json"
    result.write_text(json.dumps(record, indent=1) + "\n")
    result.with_suffix(".md").write_text(table(record))
    print(table(record))


if __name__ == "__main__":
    main()
