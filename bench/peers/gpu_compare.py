#!/usr/bin/env python3
"""Backdrop on a GPU against PyTorch on the same GPU and composites, and against itself.

For each network: Backdrop in fp32 answers first; every other precision of Backdrop must give the same predictions
(it decides close ones again in fp32), and PyTorch's fp32 must differ in less than one in a thousand; then each is
timed, in turns. What there is no time for is left out and named. Writes one JSON file, anew after each network, and
prints a table.
"""

import argparse
import datetime
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PEERS = Path(__file__).resolve().parent
OURS = [(precision, reuse) for precision in ("fp32", "tf32", "fp16", "bf16", "int8", "fp8") for reuse in ("on", "off")]
EAGER = [("fp32", "eager"), ("fp16", "eager")]
COMPILED = [("fp16", "compiled"), ("bf16", "compiled")]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backdrop", required=True, help="the command")
    parser.add_argument("--data-path", required=True)
    parser.add_argument("--arch", nargs="+", default=["resnet18", "resnet50", "vgg16_bn"])
    parser.add_argument("--checkpoint", nargs="*", default=[], metavar="ARCH=FILE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3600, help="stop after this long")
    parser.add_argument("--out", required=True, help="JSON file")
    arguments = parser.parse_args()
    arguments.deadline = time.monotonic() + arguments.seconds
    return arguments


def attempt(command, deadline=float("inf")):
    """(stdout, None) or (None, the last line of what went wrong)."""
    left = deadline - time.monotonic()
    if left <= 1:
        return None, "no time left"
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              timeout=None if left == float("inf") else left)
    except (subprocess.TimeoutExpired, OSError) as error:
        return None, "no time left" if isinstance(error, subprocess.TimeoutExpired) else str(error)
    if done.returncode == 0:
        return done.stdout, None
    lines = done.stderr.strip().splitlines()
    return None, lines[-1] if lines else f"exit status {done.returncode}"


def run_backdrop(arguments, arch, checkpoint, precision, reuse, results):
    _, error = attempt([arguments.backdrop, "challenge", "--arch", arch, "--checkpoint", checkpoint, "--in9",
                        "--data-path", arguments.data_path, "--mode", "all", "--device", "cuda", "--precision",
                        precision, "--reuse", reuse, "--out", results, "--quiet"], arguments.deadline)
    if error:
        return None, error
    return json.loads((Path(results) / "run.json").read_text()), None


def run_pytorch(arguments, arch, options):
    output, error = attempt([sys.executable, PEERS / "gpu_torch.py", "--data-path", arguments.data_path, "--arch",
                             arch, *options], arguments.deadline)
    return (json.loads(output.strip().splitlines()[-1]), None) if output else (None, error)


def measure(arguments, arch, checkpoint, scratch):
    row = {"arch": arch, "backdrop": {}, "pytorch": {}, "errors": {}}
    predictions_file = scratch / f"{arch}.npy"
    if not checkpoint:
        checkpoint = scratch / f"{arch}.pt"
        _, error = run_pytorch(arguments, arch, ["--precision", "fp32", "--save-checkpoint", checkpoint,
                                                 "--save-predictions", predictions_file])
    else:
        _, error = run_pytorch(arguments, arch, ["--precision", "fp32", "--checkpoint", checkpoint,
                                                 "--save-predictions", predictions_file])
    if error:
        row["errors"]["pytorch fp32"] = error
        if not Path(checkpoint).exists():
            return row
    exact = None
    for round_number in range(arguments.rounds):
        for precision, reuse in OURS:
            name = f"{precision}, reuse {reuse}"
            if name in row["errors"]:
                continue
            results = scratch / f"{arch}-{precision}-{reuse}-{round_number}"
            record, error = run_backdrop(arguments, arch, checkpoint, precision, reuse, results)
            if error:
                row["errors"][name] = error
                continue
            predictions = np.load(results / "predictions.npy")
            exact = predictions if exact is None else exact
            entry = row["backdrop"].setdefault(name, {"rates": [], "different": int((predictions != exact).sum()),
                                                      "description": record["engine"]["description"]})
            entry["rates"].append(record["pairs"]["evaluated"] / record["seconds"]["search"])
        if round_number == 0:
            measure_pytorch(arguments, row, checkpoint, EAGER)
    if exact is not None and predictions_file.exists():
        theirs = np.load(predictions_file)
        row["pairs"], row["different_from_pytorch"] = int(exact.size), int((exact != theirs).sum())
    return row


def measure_pytorch(arguments, row, checkpoint, ways):
    for precision, executor in ways:
        measured, error = run_pytorch(arguments, row["arch"], ["--precision", precision, "--executor", executor,
                                                               "--checkpoint", checkpoint])
        if error:
            row["errors"][f"pytorch {precision} {executor}"] = error
        else:
            row["pytorch"][f"{precision} {executor}"] = measured


def print_table(record):
    print(f"{record['device']}, {record['date']}: composites per second (pairs whose prediction is not fp32's)")
    for row in record["networks"]:
        print(f"{row['arch']}: {row.get('different_from_pytorch', '?')} of {row.get('pairs', '?')} predictions differ "
              "from PyTorch's fp32")
        for name, entry in row["backdrop"].items():
            print(f"  backdrop {name:18} {statistics.median(entry['rates']):10.0f}  ({entry['different']})")
        for name, entry in row["pytorch"].items():
            print(f"  pytorch  {name:18} {entry['composites_per_second']:10.0f}  batch {entry['batch']}")
        for name, error in row["errors"].items():
            print(f"  {name}: {error}")


def main():
    arguments = parse_arguments()
    checkpoints = dict(entry.split("=", 1) for entry in arguments.checkpoint)
    device, _ = attempt(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])
    version, _ = attempt([arguments.backdrop, "--version"])
    record = {"device": (device or "unknown").strip(), "date": datetime.date.today().isoformat(),
              "versions": (version or "").splitlines(), "rounds": arguments.rounds, "networks": []}

    def save():
        Path(arguments.out).write_text(json.dumps(record, indent=1) + "\n")

    with tempfile.TemporaryDirectory(prefix="backdrop_") as scratch:
        for arch in arguments.arch:
            record["networks"].append(measure(arguments, arch, checkpoints.get(arch), Path(scratch)))
            save()
        for row in record["networks"]:  # slow to start: last
            checkpoint = checkpoints.get(row["arch"], Path(scratch) / f"{row['arch']}.pt")
            measure_pytorch(arguments, row, checkpoint, COMPILED)
            save()
    print_table(record)


if __name__ == "__main__":
    main()
