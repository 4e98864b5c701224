#!/usr/bin/env python3
"""bench/compare.py from end to end, on a few drawn photos: compare_test.py COMMAND CHECKPOINT.

stand_ins/ has the peers: one that agrees with Backdrop, and none else.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import bench_folder  # noqa: F401

import compare
import comparison_tables
import contestants

COMMAND, CHECKPOINT = sys.argv[1:]
del sys.argv[1:]


class CompareTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        subprocess.run([COMMAND, "demo-data", cls.folder / "data", "--images-per-class", "1"], check=True, capture_output=True)
        (cls.folder / "models").mkdir()
        (cls.folder / "models" / "weights.pt").symlink_to(CHECKPOINT)
        (cls.folder / "models" / "network.onnx").touch()

    def compare(self, size):
        words = ["--data-path", self.folder / "data", "--models", self.folder / "models", "--run", f"resnet18={size}", "--rounds", 2,
                 "--patience", 0, "--backdrop", COMMAND, "--name", "tried"]
        here = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, here)
        stand_ins = Path(__file__).resolve().parent / "stand_ins"
        with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.redirect_stderr(io.StringIO()), \
                mock.patch.object(sys, "argv", ["compare.py", *map(str, words)]), \
                mock.patch.object(compare, "RESULTS", self.folder / "results"), mock.patch.object(contestants, "PEERS", stand_ins):
            compare.main()
        return shown.getvalue()

    def test_writes_what_it_measured(self):
        shown = self.compare("2x9")
        text = (self.folder / "results" / "tried.json").read_text()
        record = json.loads(text)
        self.assertNotIn(str(self.folder), text)
        self.assertEqual(comparison_tables.tables(record), (self.folder / "results" / "tried.md").read_text())
        self.assertIn(comparison_tables.tables(record), shown)
        self.assertTrue((self.folder / "results" / "tried.svg").is_file())

        network, = record["networks"]
        self.assertEqual((network["foregrounds"], network["backgrounds"]), (2, 9))
        self.assertEqual([row["program"] for row in network["rows"]], ["Backdrop", "Backdrop, every position", "PyTorch"])
        for row in network["rows"]:
            self.assertEqual([run["composites"] for run in row["runs"]], [18, 18])
            self.assertEqual(row["agreement"], {"compared": 18 - network["near_ties"], "different": 0})
        self.assertEqual(network["rows"][2]["settings"], {"batch": 4})
        reasons = {entry["program"]: entry["reason"] for entry in network["left_out"]}
        self.assertEqual(list(reasons), ["ONNX Runtime", "OpenVINO", "published loop"])
        self.assertIn("onnxruntime_peer.py", reasons["ONNX Runtime"])

    def test_a_peer_that_dies_ends_it_in_one_line(self):
        with self.assertRaisesRegex(SystemExit, "^PyTorch fp32: in a timed search: it ended early: out of memory$"):
            self.compare("3x9")


if __name__ == "__main__":
    unittest.main()
