#!/usr/bin/env python3
"""How the cost of a composite changes with the work: backgrounds per tile, and the area of the foreground's mask.

    bench/scaling.py --data-path DATA --checkpoint CHECKPOINT [--foregrounds 16] [--name cpu_scaling]

Runs `backdrop challenge --mode all` on small trees of links into DATA, with exact reuse and without, and writes
bench/results/NAME.json with every run and NAME.svg with two plots. For the areas the foregrounds keep their photos and
get discs as masks. The clock is the search's own: loading is outside, filling the caches inside.
"""

import argparse
import datetime
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH / "peers"))
sys.path.insert(0, str(BENCH))
import in9  # noqa: E402
from compare import composites_per_second, describe_machine, run  # noqa: E402

TILES = (16, 32, 64, 128, 256, 370)
AREAS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6)
SIZE = 224


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-path", required=True, help="root of an IN-9 tree")
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--foregrounds", type=int, default=16)
    parser.add_argument("--area-backgrounds", type=int, default=32, help="for the plot over mask areas")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--backdrop", default=str(BENCH.parent / "build" / "backdrop"), help="the command")
    parser.add_argument("--name", default="cpu_scaling", help="of the files under bench/results")
    return parser.parse_args()


def measure(arguments, data, scratch, reuse):
    out = Path(scratch) / f"run-{len(os.listdir(scratch))}"
    run([arguments.backdrop, "challenge", "--checkpoint", arguments.checkpoint, "--data-path", str(data), "--mode",
         "all", "--threads", str(arguments.threads), "--reuse", reuse, "--out", str(out), "--quiet"])
    record = json.loads((out / "run.json").read_text())
    return {"reuse": reuse, "composites": record["pairs"]["evaluated"], "seconds": record["seconds"]["search"],
            "composites_per_second": composites_per_second(record)}


def disc(area):
    """A mask [SIZE][SIZE] with a disc in the middle that covers this share of it (cut at the border if it is large)."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    return np.hypot(y, x) <= SIZE * math.sqrt(area / math.pi)


def over_tiles(arguments, scratch):
    rows = []
    for tile in TILES:
        data = Path(scratch) / f"tile-{tile}"
        in9.link_subset(arguments.data_path, data, arguments.foregrounds, tile)
        rows += [{"backgrounds": tile, **measure(arguments, data, scratch, reuse)}
                 for reuse in (("on", "off") if tile == TILES[1] else ("on",))]
    return rows


def over_areas(arguments, scratch):
    rows = []
    for area in AREAS:
        data = Path(scratch) / f"area-{area}"
        in9.link_subset(arguments.data_path, data, arguments.foregrounds, arguments.area_backgrounds)
        mask = disc(area)
        for _, path, _ in in9.list_foregrounds(data):
            path.unlink()
            np.save(path, mask)
        rows += [{"area": float(mask.mean()), **measure(arguments, data, scratch, reuse)}
                 for reuse in (("on", "off") if area == AREAS[3] else ("on",))]
    return rows


def panel(rows, key, title, unit, left):
    """One plot as SVG: composites per second with reuse over `key`, a dashed line without."""
    width, height, top = 330, 220, 40
    on = [(row[key], row["composites_per_second"]) for row in rows if row["reuse"] == "on"]
    off = next(row["composites_per_second"] for row in rows if row["reuse"] == "off")
    most_x, most_y = max(x for x, _ in on), 1.1 * max(max(y for _, y in on), off)

    def at(x, y):
        return left + width * x / most_x, top + height * (1 - y / most_y)

    points = " ".join(f"{px:.1f},{py:.1f}" for px, py in (at(x, y) for x, y in on))
    parts = [f'<text x="{left}" y="24" class="title">{title}</text>',
             f'<path d="M{left},{top} v{height} h{width}" class="axis"/>',
             f'<polyline points="{points}" class="line"/>',
             f'<path d="M{left},{at(0, off)[1]:.1f} h{width}" class="dense"/>',
             f'<text x="{left + width}" y="{at(0, off)[1] - 5:.1f}" text-anchor="end">without reuse</text>']
    parts += [f'<circle cx="{at(x, y)[0]:.1f}" cy="{at(x, y)[1]:.1f}" r="3"/>' for x, y in on]
    parts += [f'<text x="{at(x, 0)[0]:.1f}" y="{top + height + 18}" text-anchor="middle">{unit(x)}</text>'
              for x, _ in on if x == most_x or x > 0.09 * most_x or x == on[0][0]]
    step = 10 ** math.floor(math.log10(most_y))
    parts += [f'<text x="{left - 6}" y="{at(0, y)[1] + 4:.1f}" text-anchor="end">{y:g}</text>'
              for y in np.arange(0, most_y, step if most_y / step > 3 else step / 2)]
    return "\n".join(parts)


def plot(record):
    tiles = panel(record["tiles"], "backgrounds", "Composites per second over backgrounds per tile", str, 60)
    areas = panel(record["areas"], "area", "Composites per second over mask area", lambda x: f"{100 * x:.0f}%", 470)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 300" font-family="sans-serif" font-size="11">
<style>.title{{font-size:14px}} .axis{{fill:none;stroke:#555}} .line{{fill:none;stroke:#e98939;stroke-width:2}}
.dense{{stroke:#5b8db8;stroke-dasharray:5 4}} circle{{fill:#e98939}} text{{fill:#333}}</style>
<rect width="820" height="300" fill="white"/>
{tiles}
{areas}
</svg>
"""


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="backdrop_") as scratch:
        record = {"name": arguments.name, "date": datetime.date.today().isoformat(),
                  "revision": subprocess.run(["git", "-C", str(BENCH), "describe", "--always", "--dirty"],
                                             capture_output=True, text=True, check=False).stdout.strip(),
                  "machine": describe_machine(), "threads": arguments.threads,
                  "checkpoint": Path(arguments.checkpoint).name, "foregrounds": arguments.foregrounds,
                  "tiles": over_tiles(arguments, scratch), "areas": over_areas(arguments, scratch)}
    results = BENCH / "results"
    results.mkdir(exist_ok=True)
    (results / f"{arguments.name}.json").write_text(json.dumps(record, indent=1) + "\n")
    (results / f"{arguments.name}.svg").write_text(plot(record))
    for row in record["tiles"] + record["areas"]:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
