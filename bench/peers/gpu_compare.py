#!/usr/bin/env python3
"""Backdrop on a GPU against PyTorch on the same GPU and composites, and against itself.

For each network Backdrop in fp32 answers first; every other precision of Backdrop must give the same predictions (it
decides close ones again in fp32), and PyTorch's fp32 must differ in less than one in a thousand. What is asked most
comes first, for all networks: fp32, fp16, int8 and fp8 with exact reuse, PyTorch's fp16, eager and compiled (at eager's
best batch), and each layer's time in fp16 and int8, into text files; then all others, then further rounds. What there is no
time for is left out and named. Writes one JSON file, anew after each step, and prints a table.
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

import in9

PEERS = Path(__file__).resolve().parent
# Precisions and reuse; the very first one's answers are what all others' are compared with.
FIRST = [("fp32", "on"), ("fp16", "on"), ("int8", "on"), ("fp8", "on")]
MORE = [("fp16", "off"), ("int8", "off"), ("bf16", "on"), ("tf32", "on"), ("fp32", "off"), ("fp8", "off"),
        ("bf16", "off"), ("tf32", "off")]
UNABLE = 4  # the command's exit status where no device here can do what it was asked for
# What says nothing against Backdrop.
NO_TIME, CANNOT = "no time left", "cannot run here: "
COMPILE_SECONDS = 150  # torch.compile takes minutes; with less time left it is not begun


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backdrop", required=True, help="the command")
    parser.add_argument("--data-path", required=True)
    parser.add_argument("--arch", nargs="+", default=["resnet50", "vgg16_bn", "resnet18"])
    parser.add_argument("--checkpoint", nargs="*", default=[], metavar="ARCH=FILE")
    parser.add_argument("--foregrounds", type=int, default=0, help="of the data, evenly spread; 0: all")
    parser.add_argument("--backgrounds", type=int, default=0, help="likewise; more than there are come again")
    parser.add_argument("--gpu-without", default="", metavar="WAY,...", help="as the command's option")
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
        return None, NO_TIME
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              timeout=None if left == float("inf") else left)
    except (subprocess.TimeoutExpired, OSError) as error:
        return None, NO_TIME if isinstance(error, subprocess.TimeoutExpired) else str(error)
    if done.returncode == 0:
        return done.stdout, None
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return None, CANNOT * (done.returncode == UNABLE) + lines[-1]


def options_of(arguments, row):
    without = ["--gpu-without", arguments.gpu_without] if arguments.gpu_without else []
    return ["--arch", row["arch"], "--in9", "--data-path", arguments.data_path, "--device", "cuda", *without]


def run_backdrop(arguments, row, checkpoint, precision, reuse, results):
    _, error = attempt([arguments.backdrop, "challenge", "--checkpoint", checkpoint, *options_of(arguments, row),
                        "--mode", "all", "--precision", precision, "--reuse", reuse, "--out", results, "--quiet"],
                       arguments.deadline)
    if error:
        return None, error
    return json.loads((Path(results) / "run.json").read_text()), None


def run_pytorch(arguments, arch, options):
    output, error = attempt([sys.executable, PEERS / "gpu_torch.py", "--data-path", arguments.data_path, "--arch",
                             arch, *options], arguments.deadline)
    return (json.loads(output.strip().splitlines()[-1]), None) if output else (None, error)


def start_row(arguments, arch, checkpoint, scratch):
    """PyTorch's fp32 predictions, and its random weights if there is no checkpoint."""
    row = {"arch": arch, "backdrop": {}, "pytorch": {}, "errors": {}}
    weights = scratch / f"{arch}.pt"
    given = ["--checkpoint", checkpoint] if checkpoint else ["--save-checkpoint", weights]
    _, error = run_pytorch(arguments, arch, ["--precision", "fp32", *given, "--save-predictions",
                                             scratch / f"{arch}.npy"])
    if error:
        row["errors"]["pytorch fp32"] = error
        if not Path(checkpoint or weights).exists():
            row["errors"]["weights"] = error
    return row


def measure_backdrop(arguments, row, checkpoint, ways, scratch):
    arch = row["arch"]
    for precision, reuse in ways:
        name = f"{precision}, reuse {reuse}"
        if name in row["errors"]:
            continue
        results = Path(tempfile.mkdtemp(dir=scratch)) / "run"
        record, error = run_backdrop(arguments, row, checkpoint, precision, reuse, results)
        if error:
            row["errors"][name] = error
            continue
        predictions = np.load(results / "predictions.npy")
        exact_file = scratch / f"{arch}-exact.npy"
        if (precision, reuse) == FIRST[0] and not exact_file.exists():
            np.save(exact_file, predictions)
            if (scratch / f"{arch}.npy").exists():
                row["pairs"] = int(predictions.size)
                row["different_from_pytorch"] = int((predictions != np.load(scratch / f"{arch}.npy")).sum())
        entry = row["backdrop"].setdefault(name, {"rates": [], "description": record["engine"]["description"]})
        entry["rates"].append(record["pairs"]["evaluated"] / record["seconds"]["search"])
        if exact_file.exists():
            different = int((predictions != np.load(exact_file)).sum())
            entry["different"] = max(different, entry.get("different", 0))


def profile_layers(arguments, row, checkpoint, precisions):
    """Time and share of the roofline of each layer, into layers.txt beside the JSON."""
    for precision in precisions:
        output, error = attempt([arguments.backdrop, "profile", "--checkpoint", checkpoint, *options_of(arguments, row),
                                 "--precision", precision, "--backgrounds", "512", "--quiet"], arguments.deadline)
        if error:
            row["errors"][f"layers {precision}"] = error
        else:
            with Path(arguments.out).with_name("layers.txt").open("a") as file:
                file.write(f"{row['arch']}, {precision}\n\n{output}\n")


def measure_pytorch(arguments, row, checkpoint, ways):
    for precision, executor in ways:
        name = f"{precision} {executor}"
        if executor == "compiled" and arguments.deadline - time.monotonic() < COMPILE_SECONDS:
            row["errors"][f"pytorch {name}"] = f"{NO_TIME} to compile"
            continue
        options = ["--precision", precision, "--executor", executor, "--checkpoint", checkpoint]
        eager = row["pytorch"].get("fp16 eager")
        if executor == "compiled" and eager:  # each size would be compiled for minutes
            options += ["--batch", eager["batch"]]
        measured, error = run_pytorch(arguments, row["arch"], options)
        if error:
            row["errors"][f"pytorch {name}"] = error
        else:
            row["pytorch"][name] = measured


def print_table(record):
    print(f"{record['device']}, {record['date']}: composites per second (pairs whose prediction is not fp32's)")
    for row in record["networks"]:
        print(f"{row['arch']}: {row.get('different_from_pytorch', '?')} of {row.get('pairs', '?')} predictions differ "
              "from PyTorch's fp32")
        for name, entry in row["backdrop"].items():
            print(f"  backdrop {name:18} {statistics.median(entry['rates']):10.0f}  ({entry.get('different', '?')})")
        for name, entry in row["pytorch"].items():
            print(f"  pytorch  {name:18} {entry['composites_per_second']:10.0f}  batch {entry['batch']}")
        for name, error in row["errors"].items():
            print(f"  {name}: {error}")


def wrong_answers(record):
    """Those that are not what they must be, and those that failed, in words."""
    wrong = []
    for row in record["networks"]:
        wrong += [f"{row['arch']} in {name}" for name, entry in row["backdrop"].items() if entry.get("different")]
        if 1000 * row.get("different_from_pytorch", 0) >= row.get("pairs", 1):
            wrong.append(f"{row['arch']} in fp32, by PyTorch's")
        excused = (NO_TIME, CANNOT) if row["backdrop"] else (NO_TIME,)
        wrong += [f"{row['arch']}, {name}: {error}" for name, error in row["errors"].items()
                  if not name.startswith("pytorch ") and not error.startswith(excused)]
    return wrong


def main():
    arguments = parse_arguments()
    checkpoints = dict(entry.split("=", 1) for entry in arguments.checkpoint)
    device, _ = attempt(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])
    version, _ = attempt([arguments.backdrop, "--version"])
    record = {"device": (device or "unknown").strip(), "date": datetime.date.today().isoformat(),
              "versions": (version or "").splitlines(), "rounds": arguments.rounds, "gpu_without": arguments.gpu_without,
              "networks": []}

    def save():
        Path(arguments.out).write_text(json.dumps(record, indent=1) + "\n")

    Path(arguments.out).with_name("layers.txt").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="backdrop_") as folder:
        scratch = Path(folder)
        in9.link_subset(arguments.data_path, scratch / "data", arguments.foregrounds, arguments.backgrounds)
        arguments.data_path = scratch / "data"

        def for_each(step, *options):
            for row in record["networks"]:
                checkpoint = checkpoints.get(row["arch"], scratch / f"{row['arch']}.pt")
                if Path(checkpoint).exists():
                    step(arguments, row, checkpoint, *options)
                save()

        for arch in arguments.arch:
            record["networks"].append(start_row(arguments, arch, checkpoints.get(arch), scratch))
        for_each(measure_backdrop, FIRST, scratch)
        for_each(measure_pytorch, [("fp16", "eager")])
        for_each(profile_layers, ["fp16", "int8"])
        for_each(measure_pytorch, [("fp16", "compiled")])
        for_each(measure_backdrop, MORE, scratch)
        for_each(measure_pytorch, [("fp32", "eager"), ("bf16", "compiled")])
        for _ in range(1, arguments.rounds):
            for_each(measure_backdrop, FIRST + MORE, scratch)
    print_table(record)
    if wrong := wrong_answers(record):
        sys.exit(f"wrong or failed: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
