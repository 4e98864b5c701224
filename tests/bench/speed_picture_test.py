#!/usr/bin/env python3
"""The README's picture: what is committed is what the script draws of the committed results, and marks tell the truth."""

import json
import re
import sys
import unittest
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))
import speed_picture  # noqa: E402


def row(program, precision, rates, different=0):
    return {"program": program, "precision": precision, "agreement": {"compared": 200, "different": different},
            "runs": [{"composites_per_second": rate} for rate in rates]}


def draw(*rows):
    network = {"arch": "resnet18", "foregrounds": 4, "backgrounds": 5, "rows": rows}
    return speed_picture.picture({"date": "2020-06-24", "threads": 2, "rounds": 3, "networks": [network],
                                  "machine": {"cpu": "a processor", "instruction_sets": ["avx2", "fma"]}})


class PictureTest(unittest.TestCase):
    def test_the_committed_picture_is_of_the_committed_results(self):
        record = json.loads(speed_picture.RECORD.read_text())
        self.assertEqual(speed_picture.picture(record), speed_picture.PICTURE.read_text(), "run bench/speed_picture.py")

    def test_shows_fp32_and_the_fastest_below_it(self):
        svg = draw(row("Backdrop", "fp32", (1, 99, 68)), row("Backdrop", "bf16", (70,)), row("Backdrop", "int8", (129.6,)),
                   row("Backdrop, every position", "fp32", (55,)), row("PyTorch", "fp32", (16.25,)),
                   row("OpenVINO", "fp32", (99.97,)), row("OpenVINO", "int8", (2968.4,)))
        self.assertEqual(re.findall(r">([^ >]+ [a-z]+\d+)<", svg), ["68.0 fp32", "130 int8", "100 fp32", "2968 int8", "16.2 fp32"])
        self.assertIn("a processor with AVX2, 2020-06-24, medians of 3 rounds", svg)

    def test_marks_answers_that_differ(self):
        svg = draw(row("Backdrop", "fp32", (68,)), row("OpenVINO", "fp32", (50,)), row("OpenVINO", "int8", (223,), different=3))
        self.assertEqual(re.findall(r"[\d.]+% differ", svg), ["1.5% differ"])

    def test_bars_are_in_proportion_and_labels_stay_inside(self):
        svg = draw(row("Backdrop", "fp32", (100,)), row("OpenVINO", "int8", (200,), different=1))
        short, long = (float(width) for width in re.findall(r'width="([\d.]+)" height="13"', svg))
        self.assertAlmostEqual(2 * short, long, places=0)
        self.assertLess(long + speed_picture.LETTER * len("200 int8, 0.5% differ"), speed_picture.PANEL)


if __name__ == "__main__":
    unittest.main()
