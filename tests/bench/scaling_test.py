#!/usr/bin/env python3
"""bench/scaling.py from end to end, on a few drawn photos, and what it makes of searches: scaling_test.py COMMAND CHECKPOINT."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import bench_folder  # noqa: F401

import scaling
import scaling_plot

COMMAND, CHECKPOINT = sys.argv[1:]
del sys.argv[1:]


def found(seconds, others, tile=7):
    """What a search of 20 composites gives."""
    record = {"seconds": {"search": seconds}, "engine": {"tile": tile}, "data": {"backgrounds": 10}, "pairs": {"evaluated": 20}}
    return record, others


class SeriesTest(unittest.TestCase):
    def measure(self, series, *searches, patience=0):
        """Each point once for every round, in turns."""
        with mock.patch.object(scaling, "search", side_effect=searches) as asked:
            while asked.call_count < len(searches):
                for point in series.points:
                    scaling.measure(mock.Mock(patience=patience), None, point)
        return scaling.describe(series)

    def test_rates_are_the_rounds_medians(self):
        series = scaling.Series("foregrounds", "Foregrounds", "foregrounds", must_stay_flat=True).add(1, None).add(10, None)
        record = self.measure(series, *(found(seconds, 0) for seconds in (2, 4, 1, 5, 10, 20)))
        self.assertEqual([point["composites_per_second"] for point in record["points"]], [10, 4])
        self.assertEqual([run["seconds"] for run in record["points"][0]["runs"]], [2, 1, 10])
        self.assertEqual(record["cost_of_largest_over_smallest"], 2.5)

    def test_the_calmest_search_counts(self):
        searches = found(1, 0.3), found(2, 0.2), found(3, 0.4)
        record = self.measure(scaling.Series("batch", "", "").add(1, None), *searches, patience=2)
        self.assertEqual([(run["seconds"], run["others_share"]) for run in record["points"][0]["runs"]], [(2, 0.2)])
        self.assertNotIn("cost_of_largest_over_smallest", record)

    def test_tiles_are_no_larger_than_the_set(self):
        series = scaling.Series("tile", "", "").add(None, None).add(None, None)
        record = self.measure(series, found(1, 0), found(1, 0, tile=64))
        self.assertEqual([point["x"] for point in record["points"]], [7, 10])


class ProgramTest(unittest.TestCase):
    def test_writes_what_it_measured(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        results = Path(folder.name) / "results"
        data = Path(folder.name) / "data"
        subprocess.run([COMMAND, "demo-data", data, "--images-per-class", "1"], check=True, capture_output=True)
        words = ["--data-path", data, "--checkpoint", CHECKPOINT, "--only", "foregrounds", "--rounds", 2, "--patience", 0,
                 "--threads", 1, "--backdrop", COMMAND, "--name", "tried"]
        with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.redirect_stderr(io.StringIO()), \
                mock.patch.object(sys, "argv", ["scaling.py", *map(str, words)]), mock.patch.object(scaling, "RESULTS", results), \
                mock.patch.multiple(scaling, BASE=(1, 9), GROWTH=(0.5, 1)):
            scaling.main()
        record = json.loads((results / "tried.json").read_text())
        self.assertNotIn(folder.name, json.dumps(record))
        self.assertEqual(scaling_plot.table(record), (results / "tried.md").read_text())
        self.assertIn(scaling_plot.table(record), shown.getvalue())
        self.assertTrue((results / "tried.svg").is_file())

        foregrounds, dense = record["series"]
        self.assertEqual((foregrounds["name"], dense["name"]), ("foregrounds", "dense"))
        self.assertEqual([point["x"] for point in foregrounds["points"]], [1, 2])
        self.assertEqual([[run["composites"] for run in point["runs"]] for point in foregrounds["points"]], [[36, 36], [72, 72]])
        self.assertEqual(dense["points"][0]["runs"][0]["composites"], 9)


if __name__ == "__main__":
    unittest.main()
