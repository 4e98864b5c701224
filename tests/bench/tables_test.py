#!/usr/bin/env python3
"""What the tables say of records: of those under bench/results, and of small ones made up here."""

import json
import sys
import unittest
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))
import comparison_tables  # noqa: E402
import scaling_plot  # noqa: E402

MACHINE = {"cpu": "a processor", "processors": 2, "instruction_sets": ["avx2"], "system": "Linux"}


def row(program, rates, precision="fp32", peer=True, different=0):
    return {"program": program, "precision": precision, "peer": peer, "version": f"{program} 2.1", "settings": {"batch": 8},
            "agreement": {"compared": 20, "different": different},
            "runs": [{"composites_per_second": rate, "peak_memory_bytes": 3 << 20, "others_share": 0.01} for rate in rates]}


def comparison(rows, left_out=(), quick=False):
    network = {"arch": "resnet18", "foregrounds": 4, "backgrounds": 5, "weights": "checkpoint", "rows": rows,
               "left_out": list(left_out)}
    record = {"name": "made up", "date": "2020-06-24", "revision": "none", "machine": MACHINE, "threads": 2, "load_at_start": 0,
              "rounds": 3, "minutes": 1, "quick": quick, "command": "bench/compare.py --quick", "networks": [network]}
    return comparison_tables.tables(record).splitlines()


def scaling(*series):
    record = {"name": "made up", "date": "2020-06-24", "revision": "none", "machine": MACHINE, "threads": 2, "load_at_start": 0,
              "checkpoint": "demo.pt", "command": "bench/scaling.py", "series": list(series)}
    return scaling_plot.table(record), scaling_plot.plot(record)


def one_series(name, points, unit="", **more):
    return {"name": name, "title": name.capitalize(), "unit": unit, "logarithmic": False, **more,
            "points": [{"x": x, "composites_per_second": rate, "runs": [{"composites": composites, "others_share": 0}]}
                       for x, rate, composites in points]}


class RecordedTest(unittest.TestCase):
    def check(self, program, *makers):
        """Every record of the program makes the files beside it, to the byte."""
        records = 0
        for file in sorted((BENCH / "results").glob("*.json")):
            record = json.loads(file.read_text())
            if record.get("command", "").startswith(program + " "):
                records += 1
                for ending, make in makers:
                    with self.subTest(file=file.with_suffix(ending).name):
                        self.assertEqual(make(record), file.with_suffix(ending).read_text())
        self.assertGreater(records, 0)

    def test_comparisons_give_their_tables_and_plots(self):
        self.check("bench/compare.py", (".md", comparison_tables.tables), (".svg", comparison_tables.plot))

    def test_scaling_gives_its_table_and_plot(self):
        self.check("bench/scaling.py", (".md", scaling_plot.table), (".svg", scaling_plot.plot))


class ComparisonTest(unittest.TestCase):
    ours = row("Backdrop", [100, 80, 60], peer=False)

    def test_ratios_are_taken_round_by_round(self):
        lines = comparison([self.ours, row("PyTorch", [50, 20, 60], different=1)])
        self.assertIn("| Backdrop | fp32 | 80.0 (60.0 to 100.0) | 1.00 (1.00 to 1.00) | 2.4 days | 3 MiB | 0 of 20 |", lines)
        self.assertIn("| PyTorch (2.1, batch 8) | fp32 | 50.0 (20.0 to 60.0) | 2.00 (1.00 to 4.00) | 3.8 days | 3 MiB | 1 of 20 |", lines)
        self.assertIn("| resnet18 | 2.00 (1.00 to 4.00): Backdrop fp32 / PyTorch fp32 | not run |", lines)

    def test_the_best_are_compared(self):
        slower = row("Backdrop, every position", [40, 40, 40], peer=False)
        lines = comparison([slower, self.ours, row("PyTorch", [20, 20, 20]), row("OpenVINO", [40, 40, 40]),
                            row("OpenVINO", [160, 160, 160], "int8"), row("Backdrop", [80, 80, 80], "int8", peer=False),
                            row("published loop", [500, 500, 500])])
        self.assertIn("| resnet18 | 2.00 (1.50 to 2.50): Backdrop fp32 / OpenVINO fp32 | "
                      "0.50 (0.38 to 0.62): Backdrop fp32 / OpenVINO int8 |", lines)

    def test_says_what_was_left_out(self):
        lines = comparison([self.ours], [{"program": "OpenVINO", "precision": "int8", "reason": "it is not installed"},
                                         {"program": "network.onnx", "precision": "", "reason": "onnx is not installed"}])
        self.assertIn("Left out: OpenVINO int8: it is not installed.", lines)
        self.assertIn("Left out: network.onnx: onnx is not installed.", lines)
        self.assertIn("| resnet18 | no peer ran | not run |", lines)
        self.assertEqual(lines[-1], "Made by `bench/compare.py --quick`.")

    def test_says_what_is_different_about_a_program_or_a_run(self):
        plain = "\n".join(comparison([self.ours]))
        self.assertNotIn("Quick:", plain)
        self.assertNotIn("published loop", plain)
        both = "\n".join(comparison([self.ours, row("published loop", [1, 1, 1])], quick=True))
        self.assertIn("Quick:", both)
        self.assertIn("| 0 of 20 foregrounds |", both)
        self.assertIn("its rate is composites tried", both)


class ScalingTest(unittest.TestCase):
    dense = one_series("dense", [(0, 50.0, 20)])

    def test_says_how_cost_grows(self):
        growing = one_series("foregrounds", [(2, 80.0, 72), (20000, 100.0, 720000)], "foregrounds",
                             cost_of_largest_over_smallest=0.8)
        lines = scaling(growing, self.dense)[0].splitlines()
        self.assertIn("| foregrounds | 2: 80.0, 20k: 100.0 |", lines)
        self.assertIn("| dense | 50.0 |", lines)
        self.assertIn("| foregrounds | 10000 | 0.80 |", lines)

    def test_leaves_out_a_table_without_rows(self):
        table, plot = scaling(one_series("area", [(0.1, 80.0, 20), (0.2, 70.0, 20)], "of the image"), self.dense)
        self.assertIn("| area | 10%: 80.0, 20%: 70.0 |", table)
        self.assertNotIn("the set grows", table)
        self.assertEqual(plot.count("<polyline"), 1)


if __name__ == "__main__":
    unittest.main()
