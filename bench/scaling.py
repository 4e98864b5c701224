#!/usr/bin/env python3
"""How the cost of a composite changes with the work: batch, threads, backgrounds a tile holds, foregrounds,
backgrounds, area of the mask, and the set as it grows 100 times.

    bench/scaling.py --data-path DATA --checkpoint CHECKPOINT [--quick] [--name cpu_scaling]

Runs `backdrop challenge --mode all` on trees of links into DATA (photos repeat under other names where more are wanted
than there are) and writes bench/results/NAME.json with every run, NAME.md and NAME.svg. All series are run once, then
all again, and so on. The clock is the search's own: loading is outside, filling the caches inside. For the areas the
foregrounds keep their photos and get discs as masks.
"""

import datetime
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH / "peers"))
import arguments as command_line  # noqa: E402
import in9  # noqa: E402
import scaling_plot  # noqa: E402
from machine import CALM, Disturbance, children_seconds, describe_machine, describe_revision  # noqa: E402

RESULTS = BENCH / "results"
NAMES = ("batch", "threads", "tile", "area", "foregrounds", "backgrounds", "composites")
SIZE = 224
BASE = (9, 36)  # foregrounds, backgrounds of the series that vary something else
BATCHES = (1, 2, 4, 8, 16)
MEMORIES = ("128M", "256M", "512M", "1G", "2G", "4G")
AREAS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6)
GROWTH = (1, 10, 100)


def parse_arguments():
    parser = command_line.Parser(__doc__)
    parser.add_argument("--data-path", type=command_line.tree, required=True, help="root of an IN-9 tree")
    parser.add_argument("--checkpoint", type=command_line.file, required=True)
    parser.add_argument("--rounds", type=command_line.at_least(1), default=2)
    parser.add_argument("--patience", type=command_line.at_least(0), default=1,
                        help="how often a search is run again if others took more than 5%% of the processors")
    parser.add_argument("--quick", action="store_true", help="sets grow ten times, not a hundred; one round")
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="SERIES", help=", ".join(NAMES))
    parser.add_argument("--threads", type=command_line.at_least(1), default=len(os.sched_getaffinity(0)))
    parser.add_argument("--backdrop", type=command_line.program, default=str(BENCH.parent / "build" / "backdrop"), help="the command")
    parser.add_argument("--name", type=command_line.name, default="cpu_scaling", help="of the files under bench/results")
    return parser.parse_args()


def repeated(files, count):
    """`count` of the files, beginning again as often as needed, each with how often it was there before."""
    chosen = in9.spread(files, min(count, len(files)))
    return [(chosen[i % len(chosen)], i // len(chosen)) for i in range(count)]


def link(file, root, target, copy):
    place = target / file.relative_to(root)
    place.parent.mkdir(parents=True, exist_ok=True)
    (place.parent / (f"copy{copy}_{place.name}" if copy else place.name)).symlink_to(file)


def make_set(root, target, foregrounds, backgrounds, mask=None):
    """A tree of links at `target`; every foreground has `mask` if one is given."""
    root = Path(root).resolve()
    for variation in ("original", "only_bg_t"):
        for name in os.listdir(root / variation / "val"):
            (target / variation / "val" / name).mkdir(parents=True)
    for (photo, own_mask, _), copy in repeated(in9.list_foregrounds(root), foregrounds):
        link(photo, root, target, copy)
        link(own_mask, root, target, copy)
    for (photo, _), copy in repeated(in9.list_files(root, "only_bg_t"), backgrounds):
        link(photo, root, target, copy)
    if mask is not None:
        for _, path, _ in in9.list_foregrounds(target):
            path.unlink()
            np.save(path, mask)
    return target


def disc(area):
    """A mask [SIZE][SIZE] with a disc in the middle that covers this share of it (cut at the border if it is large)."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    return np.hypot(y, x) <= SIZE * math.sqrt(area / math.pi)


class Series:
    """Points (x, data set, options) of one plot."""

    def __init__(self, name, title, unit, logarithmic=False, must_stay_flat=False):
        self.name, self.title, self.unit = name, title, unit
        self.logarithmic, self.must_stay_flat = logarithmic, must_stay_flat
        self.points = []

    def add(self, x, data, *options):
        self.points.append({"x": x, "data": data, "options": options, "runs": []})
        return self


def list_series(arguments, scratch):
    root = arguments.data_path
    base = make_set(root, scratch / "base", *BASE)
    growth = GROWTH[:2] if arguments.quick else GROWTH

    def grown(name, foregrounds, backgrounds):
        """Sets with more foregrounds, more backgrounds, or more of both: in all three the composites grow with them."""
        series = Series(name, name.capitalize(), name, True, True)
        for times in growth:
            more = {"foregrounds": (times, 1), "backgrounds": (1, times), "composites": (times ** 0.5, times ** 0.5)}[name]
            counts = round(foregrounds * more[0]), round(backgrounds * more[1])
            x = {"foregrounds": counts[0], "backgrounds": counts[1], "composites": math.prod(counts)}[name]
            series.add(x, make_set(root, scratch / f"{name}-{times}", *counts))
        return series

    batch = Series("batch", "Composites a batch", "composites", True)
    for size in BATCHES:
        batch.add(size, base, "--batch", str(size))
    threads = Series("threads", "Threads", "threads")
    for count in sorted({1, *(2 ** i for i in range(1, 10) if 2 ** i < arguments.threads), arguments.threads}):
        threads.add(count, base, "--threads", str(count))
    tile = Series("tile", "Backgrounds a tile holds", "backgrounds", True)
    wide = make_set(root, scratch / "wide", 9, 370)
    for memory in MEMORIES:
        tile.add(None, wide, "--cache-memory", memory)
    area = Series("area", "Area of the mask", "of the image")
    for share in AREAS:
        mask = disc(share)
        area.add(float(mask.mean()), make_set(root, scratch / f"area-{share}", *BASE, mask))
    dense = Series("dense", "Without reuse", "").add(0, base, "--reuse", "off")
    series = [batch, threads, tile, area, grown("foregrounds", 2, 36), grown("backgrounds", 4, 36),
              grown("composites", 5, 18), dense]
    # Every plot has the line of the last one.
    return [entry for entry in series if not arguments.only or entry.name in arguments.only or entry is dense]


def search(arguments, scratch, point):
    """One search, and what share of the processors others took meanwhile."""
    disturbance, before = Disturbance(), children_seconds()
    out = scratch / f"run-{len(os.listdir(scratch))}"
    options = list(point["options"])
    if "--threads" not in options:
        options += ["--threads", str(arguments.threads)]
    done = subprocess.run([arguments.backdrop, "challenge", "--checkpoint", arguments.checkpoint, "--data-path",
                           str(point["data"]), "--mode", "all", "--out", str(out), "--quiet", "--device", "cpu", *options],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.strip())
    return json.loads((out / "run.json").read_text()), disturbance.share(children_seconds() - before)


def measure(arguments, scratch, point):
    """The calmest of up to 1 + patience searches."""
    calmest = None
    for _ in range(arguments.patience + 1):
        found = search(arguments, scratch, point)
        if calmest is None or found[1] < calmest[1]:
            calmest = found
        if found[1] < CALM:
            break
    record, others = calmest
    seconds = record["seconds"]["search"]
    if point["x"] is None:
        point["x"] = min(record["engine"]["tile"], record["data"]["backgrounds"])
    point["runs"].append({"composites": record["pairs"]["evaluated"], "seconds": seconds,
                          "composites_per_second": record["pairs"]["evaluated"] / seconds, "others_share": others})


def rate(point):
    return statistics.median(run["composites_per_second"] for run in point["runs"])


def describe(series):
    points = [{"x": point["x"], "options": list(point["options"]), "runs": point["runs"],
               "composites_per_second": rate(point)} for point in series.points]
    record = {"name": series.name, "title": series.title, "unit": series.unit, "logarithmic": series.logarithmic,
              "points": points}
    if series.must_stay_flat:
        record["cost_of_largest_over_smallest"] = rate(series.points[0]) / rate(series.points[-1])
    return record


def main():
    arguments = parse_arguments()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="backdrop_") as scratch:
        series = list_series(arguments, Path(scratch))
        for _ in range(1 if arguments.quick else arguments.rounds):
            for entry in series:
                for point in entry.points:
                    measure(arguments, Path(scratch), point)
                    print(entry.name, point["x"], f"{point['runs'][-1]['composites_per_second']:.1f}", file=sys.stderr)
    record = {"name": arguments.name, "date": datetime.date.today().isoformat(), "revision": describe_revision(arguments.backdrop),
              "command": command_line.described("bench/scaling.py"), "machine": describe_machine(),
              "threads": arguments.threads, "load_at_start": load, "checkpoint": Path(arguments.checkpoint).name,
              "series": [describe(entry) for entry in series]}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{arguments.name}.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / f"{arguments.name}.md").write_text(scaling_plot.table(record))
    (RESULTS / f"{arguments.name}.svg").write_text(scaling_plot.plot(record))
    print(scaling_plot.table(record))


if __name__ == "__main__":
    main()
