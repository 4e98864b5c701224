#!/usr/bin/env python3
"""What bench/peers/gpu_compare.py makes of the answers of searches."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import bench_folder  # noqa: F401

import gpu_compare
import numpy as np


class AnswersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.scratch = Path(folder.name)
        self.row = {"arch": "resnet18", "backdrop": {}, "pytorch": {}, "errors": {}}

    def measure(self, *answers):
        """Precisions with what their searches predict, or nothing where they fail."""
        def run(arguments, row, checkpoint, precision, reuse, results):
            predictions = dict(answers)[precision]
            if predictions is None:
                return None, "out of memory"
            results.mkdir()
            np.save(results / "predictions.npy", np.array([predictions], np.int16))
            return {"engine": {"description": ""}, "pairs": {"evaluated": 6}, "seconds": {"search": 2}}, None

        with mock.patch.object(gpu_compare, "run_backdrop", run):
            gpu_compare.measure_backdrop(None, self.row, None, [(precision, "on") for precision, _ in answers], self.scratch)

    def wrong(self):
        return gpu_compare.wrong_answers({"networks": [self.row]})

    def test_those_of_every_round_count(self):
        self.measure(("fp32", [1, 2, 3]), ("fp16", [1, 2, 3]))
        self.assertEqual(self.wrong(), [])
        self.measure(("fp32", [1, 2, 3]), ("fp16", [1, 0, 0]))
        self.measure(("fp32", [1, 2, 3]), ("fp16", [1, 2, 3]))
        self.assertEqual(self.row["backdrop"]["fp16, reuse on"]["different"], 2)
        self.assertEqual(self.row["backdrop"]["fp16, reuse on"]["rates"], [3, 3, 3])
        self.assertEqual(self.wrong(), ["resnet18 in fp16, reuse on"])

    def test_nothing_stands_for_fp32(self):
        np.save(self.scratch / "resnet18.npy", np.array([[1, 2, 3]], np.int16))
        self.measure(("fp32", None), ("fp16", [1, 0, 3]), ("int8", [1, 2, 3]))
        self.assertEqual(["different" in entry for entry in self.row["backdrop"].values()], [False, False])
        self.assertNotIn("different_from_pytorch", self.row)

    def test_what_fails_is_told_apart_from_what_cannot_run(self):
        self.measure(("fp32", [1, 2, 3]), ("fp16", None))
        self.assertEqual(self.wrong(), ["resnet18, fp16, reuse on: out of memory"])
        self.row["errors"] = {name: error for name, (_, error) in {
            "fp8, reuse on": gpu_compare.attempt(["sh", "-c", "echo needs another GPU >&2; exit 4"]),
            "int8, reuse on": gpu_compare.attempt(["true"], deadline=0),
            "pytorch fp16 eager": gpu_compare.attempt(["false"])}.items()}
        self.assertEqual(list(self.row["errors"].values()), ["cannot run here: needs another GPU", "no time left", "exit status 1"])
        self.assertEqual(self.wrong(), [])
        self.row["backdrop"] = {}
        self.assertEqual(self.wrong(), ["resnet18, fp8, reuse on: cannot run here: needs another GPU"])

    def test_without_weights_nothing_is_measured(self):
        with mock.patch.object(gpu_compare, "run_pytorch", lambda *_: (None, "there is no such file")):
            self.row = gpu_compare.start_row(None, "resnet18", str(self.scratch / "typo.pt"), self.scratch)
        self.assertEqual(self.wrong(), ["resnet18, weights: there is no such file"])

    def test_fp32_is_compared_with_pytorch(self):
        np.save(self.scratch / "resnet18.npy", np.array([[1, 2, 3]], np.int16))
        self.measure(("fp32", [1, 2, 4]))
        self.assertEqual((self.row["pairs"], self.row["different_from_pytorch"]), (3, 1))
        self.assertEqual(self.wrong(), ["resnet18 in fp32, by PyTorch's"])


if __name__ == "__main__":
    unittest.main()
