#!/usr/bin/env python3
"""Does every way to search give the same answer on photos?

Runs `backdrop challenge` on the photos and foregrounds of compare_answers.py: all pairs and first, in plain and in
adaptive order, with and without reuse, in 1, 2 and 4 shards merged, on 1, 2 and 3 ranks of mpirun, and fewer backgrounds
cached. Challenge accuracy and vulnerable foregrounds must be the same in all, and those that PyTorch's answers say.
Prints the pairs that each evaluated as a table.

Slow: exit status 77 (skipped, in ctest) unless BACKDROP_TEST_ALL=1, or where the data or numpy is missing.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from compare_answers import data_parser, keep_masks, np, require_data, skip, unpack


def parse_arguments():
    parser = data_parser(__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth foreground (default 1)")
    return parser.parse_args()


class Searches:
    """Runs searches into folders of their own and keeps what each found."""

    def __init__(self, arguments, root, folder):
        self.command = [arguments.command]
        self.challenge = ["challenge", "--arch", arguments.arch, "--checkpoint", arguments.data / arguments.checkpoint,
                          "--in9", "--data-path", root, "--quiet"]
        self.folder = folder
        self.rows = []  # name, record, vulnerable foregrounds

    def execute(self, arguments, ranks=0):
        before = ["mpirun", "--oversubscribe", "--allow-run-as-root", "--bind-to", "none", "-n", ranks] if ranks else []
        command = [str(word) for word in [*before, *self.command, *arguments]]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def keep(self, name, out):
        with open(out / "foregrounds.csv", newline="") as file:
            vulnerable = {(row["class"], row["name"]) for row in csv.DictReader(file) if row["vulnerable"] == "1"}
        self.rows.append((name, json.loads((out / "run.json").read_text()), vulnerable))
        print(f"{name}: {self.rows[-1][1]['pairs']['evaluated']} pairs", file=sys.stderr, flush=True)

    def search(self, name, *options, ranks=0):
        out = self.folder / str(len(self.rows))
        self.execute([*self.challenge, "--out", out, *options], ranks)
        self.keep(name, out)

    def search_shards(self, name, shards, *options):
        out = self.folder / str(len(self.rows))
        parts = [f"{out}-{i}" for i in range(1, shards + 1)]
        for i, part in enumerate(parts, 1):
            self.execute([*self.challenge, "--out", part, "--shard", f"{i}/{shards}", *options])
        self.execute(["merge", out, *parts])
        self.keep(name, out)


def run_all(searches):
    searches.search("all", "--mode", "all")
    searches.search("all, without reuse", "--mode", "all", "--reuse", "off")
    searches.search("first, plain order", "--order", "plain")
    searches.search("first, adaptive order")
    searches.search("first, adaptive order, without reuse", "--reuse", "off")
    searches.search("first, adaptive order, 64 MiB for caches", "--cache-memory", "64M")
    for shards in (1, 2, 4):
        searches.search_shards(f"first, adaptive order, {shards} shard{'s' if shards > 1 else ''} merged", shards)
    if shutil.which("mpirun") is None:
        print("mpirun is not installed: ranks are left out")
        return
    for ranks in (1, 2, 3):
        searches.search(f"first, adaptive order, {ranks} rank{'s' if ranks > 1 else ''}", "--threads", 1, ranks=ranks)


def report(rows, expected):
    """Prints the table; whether all rows are right."""
    good = True
    print("| search | challenge accuracy | vulnerable | pairs evaluated |\n|---|--:|--:|--:|")
    for name, record, vulnerable in rows:
        result = record["result"]
        print(f"| {name} | {100 * result['challenge_accuracy']:.2f}% | {len(vulnerable)} of {result['foregrounds']} | "
              f"{record['pairs']['evaluated']:,} |")
        if vulnerable != expected or result["vulnerable"] != len(expected) or not result["complete"]:
            good = False
            print(f"FAILED: {name} finds {sorted(vulnerable ^ expected)} otherwise than PyTorch")
    return good


def main():
    arguments = parse_arguments()
    if os.environ.get("BACKDROP_TEST_ALL") != "1":
        skip("slow; BACKDROP_TEST_ALL=1 runs it")
    require_data(arguments)
    answers = np.load(arguments.data / arguments.answers)
    foregrounds = answers["fg"][::arguments.every]
    fooled = answers["logits"][::arguments.every].argmax(axis=2) != answers["fg_class"][::arguments.every, None]
    with tempfile.TemporaryDirectory(prefix="backdrop_") as folder:
        root = unpack(arguments.data / arguments.archive, folder)
        keep_masks(root, set(foregrounds.tolist()))
        searches = Searches(arguments, root, Path(folder))
        run_all(searches)
        paths = [Path(path) for path in foregrounds[fooled.any(axis=1)]]
        expected = {(path.parent.name, path.stem + ".JPEG") for path in paths}
        sys.exit(0 if report(searches.rows, expected) else 1)


if __name__ == "__main__":
    main()
