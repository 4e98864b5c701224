#!/usr/bin/env python3
"""Layer by layer: Backdrop with exact reuse, Backdrop computing every position, and OpenVINO, on the same weights.

    bench/layers.py --data-path DATA --arch resnet50 [--checkpoint FILE] [--name cpu_layers_resnet50]

Microseconds of a composite by `backdrop profile` and by OpenVINO's own counters, measured in turns; the calmest round of
each program counts. Writes NAME.json and NAME.md into bench/results. bench/compare.py says who is faster; this says where.
"""

import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH / "peers"))
import arguments as command_line  # noqa: E402
import in9  # noqa: E402
from machine import describe_machine, describe_revision  # noqa: E402


def parse_arguments():
    parser = command_line.Parser(__doc__)
    parser.add_argument("--data-path", type=command_line.tree, required=True, help="root of an IN-9 tree")
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--checkpoint", type=command_line.file, help="without it seeded random weights")
    parser.add_argument("--foregrounds", type=command_line.at_least(1), default=9)
    parser.add_argument("--backgrounds", type=command_line.at_least(8), default=32, help="OpenVINO's batch, 8, or more")
    parser.add_argument("--rounds", type=command_line.at_least(1), default=2)
    parser.add_argument("--threads", type=command_line.at_least(1), default=len(os.sched_getaffinity(0)))
    parser.add_argument("--backdrop", type=command_line.program, default=str(BENCH.parent / "build" / "backdrop"), help="the command")
    parser.add_argument("--name", type=command_line.name, help="of the files under bench/results (default: cpu_layers_ARCH)")
    return parser.parse_args()


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr.strip()}")
    return json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1]
                      if not done.stdout.startswith("{\n") else done.stdout)


def measure(arguments, folder):
    data = folder / "data"
    in9.link_subset(arguments.data_path, data, arguments.foregrounds, arguments.backgrounds)
    peers, threads = BENCH / "peers", str(arguments.threads)
    run(sys.executable, str(peers / "prepare.py"), "--data-path", str(data), "--arch", arguments.arch, "--out", str(folder),
        *(["--checkpoint", arguments.checkpoint] if arguments.checkpoint else []))
    calmest = {}
    for _ in range(arguments.rounds):
        profile = run(arguments.backdrop, "profile", "--arch", arguments.arch, "--checkpoint", str(folder / "weights.pt"),
                      "--data-path", str(data), "--threads", threads, "--foregrounds", str(arguments.foregrounds),
                      "--backgrounds", str(arguments.backgrounds), "--json", "--quiet")
        for search in profile["searches"]:
            times = {layer["name"]: 1e6 * layer["seconds_per_composite"] for layer in search["layers"]}
            rest = search["cache_fill_seconds"] + search["foreground_seconds"] + search["other_seconds"]
            times["other"] = 1e6 * rest / search["composites"]
            keep(calmest, "reuse" if search["reuse"] else "every position", times)
        keep(calmest, "OpenVINO", run(
            sys.executable, str(peers / "openvino_layers.py"), "--data-path", str(data), "--arch", arguments.arch,
            "--model", str(folder / "network.onnx"), "--threads", threads))
    return calmest


def keep(calmest, name, times):
    if name not in calmest or sum(times.values()) < sum(calmest[name].values()):
        calmest[name] = times


def table(record):
    times = record["microseconds_per_composite"]
    names = list(times["reuse"])
    lines = [f"# {record['name']}", "",
             f"{record['date']}, revision {record['revision']}, {record['machine']['cpu']}, {record['threads']} threads, "
             f"{record['arch']}, fp32. Microseconds a composite. Other: pools in OpenVINO; caches and foregrounds in Backdrop.",
             "", "| layer | exact reuse | every position | OpenVINO | OpenVINO / reuse | OpenVINO / every position |",
             "|---|---|---|---|---|---|"]
    for name in [*names, "sum"]:
        ours, whole, theirs = (sum(times[key].values()) if name == "sum" else times[key].get(name, 0)
                               for key in ("reuse", "every position", "OpenVINO"))
        ratios = [f"{theirs / value:.2f}" if value > 0 and theirs > 0 else "" for value in (ours, whole)]
        lines.append(f"| {name} | {ours:.0f} | {whole:.0f} | {theirs:.0f} | {' | '.join(ratios)} |")
    return "\n".join([*lines, "", f"Made by `{record['command']}`.", ""])


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="backdrop_") as folder:
        times = measure(arguments, Path(folder))
    name = arguments.name or f"cpu_layers_{arguments.arch}"
    record = {"name": name, "date": datetime.date.today().isoformat(), "revision": describe_revision(arguments.backdrop),
              "command": command_line.described("bench/layers.py"), "machine": describe_machine(),
              "threads": arguments.threads, "arch": arguments.arch, "microseconds_per_composite": times}
    (BENCH / "results" / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    (BENCH / "results" / f"{name}.md").write_text(table(record))
    print(table(record))


if __name__ == "__main__":
    main()
