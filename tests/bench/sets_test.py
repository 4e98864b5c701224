#!/usr/bin/env python3
"""The small and large copies of a data set that benchmarks search: trees of links."""

import tempfile
import unittest
from pathlib import Path

import bench_folder  # noqa: F401
import in9
import numpy as np

import scaling


def names(files):
    return [Path(file[0]).stem for file in files]


class SetsTest(unittest.TestCase):
    def setUp(self):
        """Three classes, of which the second has no masks: foregrounds a0 a1 a2 c0, backgrounds a0 ... c1."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.root = self.folder / "data"
        for letter, masks in ("a", 3), ("b", 0), ("c", 1):
            for variation, count, ending in ("original", 3, "JPEG"), ("only_bg_t", 2, "JPEG"), ("fg_mask", masks, "npy"):
                for i in range(count):
                    file = self.root / variation / "val" / f"class {letter}" / f"{letter}{i}.{ending}"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.touch()

    def check(self, made, foregrounds, backgrounds):
        """What is in the tree; and a class without masks has no folder of them, which the command would refuse."""
        found = in9.list_foregrounds(made)
        self.assertEqual(names(found), foregrounds)
        self.assertEqual(names(in9.list_files(made, "only_bg_t")), backgrounds)
        self.assertTrue(all(photo.is_file() and mask.is_file() for photo, mask, _ in found))
        self.assertTrue(all(any(folder.iterdir()) for folder in (made / "fg_mask" / "val").iterdir()))
        self.assertEqual(len(list((made / "original" / "val").iterdir())), 3)
        return found

    def test_labels_are_the_photos(self):
        self.assertEqual([label for _, _, label in in9.list_foregrounds(self.root)], [0, 0, 0, 2])

    def test_a_few_are_of_all_classes(self):
        self.assertEqual(names(in9.spread(in9.list_foregrounds(self.root), 2)), ["a0", "c0"])
        self.assertEqual(names(in9.spread(in9.list_foregrounds(self.root), 3)), ["a0", "a1", "c0"])
        self.assertEqual(len(in9.spread(in9.list_foregrounds(self.root), 0)), 4)

    def test_subsets(self):
        in9.link_subset(self.root, self.folder / "one", 1, 3)
        found = self.check(self.folder / "one", ["a0"], ["a0", "b0", "c0"])
        self.assertEqual(found[0][2], 0)
        in9.link_subset(self.root, self.folder / "many", 0, 8)
        self.check(self.folder / "many", ["a0", "a1", "a2", "c0"], ["1_a0", "a0", "a1", "1_b0", "b0", "b1", "c0", "c1"])

    def test_photos_come_again_under_other_names(self):
        made = scaling.make_set(self.root, self.folder / "larger", 6, 7)
        self.check(made, ["a0", "a1", "a2", "copy1_a0", "copy1_a1", "c0"], ["a0", "a1", "copy1_a0", "b0", "b1", "c0", "c1"])

    def test_masks_have_the_area_asked_for(self):
        for share in scaling.AREAS:
            self.assertAlmostEqual(scaling.disc(share).mean(), share, delta=0.002)
        made = scaling.make_set(self.root, self.folder / "disc", 2, 2, scaling.disc(0.2))
        for _, mask, _ in in9.list_foregrounds(made):
            np.testing.assert_array_equal(in9.read_mask(mask), scaling.disc(0.2))
        for _, mask, _ in in9.list_foregrounds(self.root):
            self.assertEqual(mask.stat().st_size, 0)


if __name__ == "__main__":
    unittest.main()
