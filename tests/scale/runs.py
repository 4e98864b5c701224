"""Runs the command on drawn data and compares result folders. Standard library only.

Two runs of the same inputs and options may differ in the keys of run.json that MAY_DIFFER names, and in nothing else.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

MAY_DIFFER = ("engine", "versions", "started", "seconds", "resumed_pairs")
FILES = ("run.json", "predictions.npy", "margins.npy", "foregrounds.csv", "backgrounds.csv", "report.html")


class Bench:
    """A folder with drawn data, a checkpoint and the command to run on them."""

    def __init__(self, command, checkpoint, folder, foregrounds=1, backgrounds=4):
        self.command = command
        self.checkpoint = checkpoint
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.check(["demo-data", self.data, "--images-per-class", backgrounds])
        keep_masks(self.data, foregrounds)

    def challenge(self, out, *more, cache="1G"):
        return ["challenge", "--checkpoint", self.checkpoint, "--data-path", self.data, "--threads", 1,
                "--cache-memory", cache, "--quiet", "--out", self.folder / out, *more]

    def start(self, arguments):
        return subprocess.Popen([self.command, *map(str, arguments)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run(self, arguments):
        process = self.start(arguments)
        output, errors = process.communicate()
        return process.returncode, output, errors

    def check(self, arguments):
        code, output, errors = self.run(arguments)
        if code != 0:
            raise AssertionError(f"{' '.join(map(str, arguments))} ended with {code}: {errors}")
        return output

    def record(self, out):
        return json.loads((self.folder / out / "run.json").read_text())

    def vulnerable(self, out):
        """The foregrounds that a run found vulnerable, by class and name."""
        lines = (self.folder / out / "foregrounds.csv").read_text().splitlines()
        columns = lines[0].split(",")
        rows = [dict(zip(columns, line.split(","))) for line in lines[1:]]
        return sorted((row["class"], row["name"]) for row in rows if row["vulnerable"] == "1")


def keep_masks(data, a_class):
    """Leaves the first masks of each class: fewer foregrounds, all backgrounds."""
    for folder in (data / "fg_mask" / "val").iterdir():
        for mask in sorted(folder.iterdir())[a_class:]:
            mask.unlink()


def content(folder):
    """What must be the same in two runs: every file's bytes, run.json without the keys that may differ."""
    names = sorted(path.name for path in folder.iterdir())
    if names != sorted(FILES):
        raise AssertionError(f"{folder} holds {names}")
    result = {name: (folder / name).read_bytes() for name in FILES}
    record = json.loads(result["run.json"])
    for key in MAY_DIFFER:
        record.pop(key)
    result["run.json"] = json.dumps(record, indent=1)
    return result


def expect_equal(folder, undisturbed):
    ours, theirs = content(folder), content(undisturbed)
    different = [name for name in FILES if ours[name] != theirs[name]]
    if different:
        raise AssertionError(f"{folder} and {undisturbed} differ in {', '.join(different)}")


def main(test, description):
    """Calls test(bench_arguments, folder) in a folder of its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--command", required=True, help="the backdrop program")
    parser.add_argument("--checkpoint", required=True)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="backdrop-scale-")
    try:
        test(options, pathlib.Path(folder))
    except AssertionError as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        sys.exit(1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_all():
    return os.environ.get("BACKDROP_TEST_ALL") == "1"
