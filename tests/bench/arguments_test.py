#!/usr/bin/env python3
"""A mistake on the command line of a benchmark ends with one line and exit code 2."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import bench_folder  # noqa: F401

import arguments
import compare
import layers
import precision
import ranks
import scaling


class ArgumentsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for variation in ("original", "fg_mask", "only_bg_t"):
            (self.folder / "data" / variation / "val").mkdir(parents=True)
        self.file = self.folder / "file"
        self.file.write_text("[1")
        self.settings = self.folder / "settings.json"
        self.settings.write_text("{}")

    def parse(self, program, *words):
        good = ["--data-path", str(self.folder / "data"), "--backdrop", sys.executable]
        if program in (scaling, ranks):
            good += ["--checkpoint", str(self.file)]
        if program is precision:
            good += ["--checkpoint", f"resnet18={self.file}"]
        with mock.patch.object(sys, "argv", [f"{program.__name__}.py", *good, *map(str, words)]):
            return program.parse_arguments()

    def refuse(self, program, *words, says):
        said = io.StringIO()
        with self.subTest(program=program.__name__, words=words), contextlib.redirect_stderr(said):
            with self.assertRaises(SystemExit) as caught:
                self.parse(program, *words)
            self.assertEqual(caught.exception.code, 2)
            self.assertRegex(said.getvalue(), rf"\A{program.__name__}\.py: .*{says}.*\n\Z")

    def test_all_refuse(self):
        for program in (compare, scaling, precision, layers, ranks):
            self.refuse(program, "--nonsense", says="--nonsense")
            self.refuse(program, "--data-path", self.folder, says="no IN-9 tree: it has no original/val")
            self.refuse(program, "--backdrop", self.folder / "backdrop", says="no program")
            self.refuse(program, "--rounds", "many", says="--rounds: 'many' is no number")
        for program in (compare, scaling, precision, layers):
            self.refuse(program, "--threads", "0", says="--threads: '0' is no number from 1 on")
            self.refuse(program, "--name", "a/b", says="'a/b' is no name of a file")
        for program in (compare, scaling):
            self.refuse(program, "--patience", "-1", says="--patience")

    def test_others_refuse(self):
        self.refuse(precision, "--checkpoint", self.file, says="is not ARCH=FILE")
        self.refuse(layers, "--checkpoint", self.folder / "none", says="there is no file")
        self.refuse(layers, "--backgrounds", "7", says="--backgrounds: '7' is no number from 8 on")
        self.refuse(ranks, "--ranks", "0", says="--ranks: '0' is no number from 1 on")

    def test_comparisons_refuse(self):
        self.refuse(compare, "--run", "resnet18", says="'resnet18' is not ARCH=FxB")
        self.refuse(compare, "--run", "resnet18=9", says="'resnet18=9' is not ARCH=FxB")
        self.refuse(compare, "--run", "resnet18=9x9", "resnet18=18x9", says="twice")
        self.refuse(compare, "--checkpoint", self.file, says="is not ARCH=FILE")
        self.refuse(compare, "--checkpoint", f"resnet18={self.folder}/none", says="there is no file")
        self.refuse(compare, "--checkpoint", f"resnet34={self.file}", says="resnet34 is not among the networks")
        self.refuse(compare, "--run", "resnet18=9x9", "--lower", "resnet50", says="resnet50 is not among the networks")
        self.refuse(compare, "--settings", self.folder / "none", says="there is no file")
        self.refuse(compare, "--settings", self.file, says="is no JSON")
        self.refuse(compare, "--models", self.folder, says="for a single network")
        self.refuse(compare, "--models", self.folder / "none", "--run", "resnet18=9x9", says="a folder")
        self.refuse(compare, "--models", self.folder, "--run", "resnet18=9x9", "--checkpoint", f"resnet18={self.file}",
                    says="the weights are those in --models")
        self.refuse(compare, "--python", self.folder / "none", says="no program")

    def test_scaling_refuses(self):
        self.refuse(scaling, "--checkpoint", self.folder / "none", says="there is no file")
        self.refuse(scaling, "--only", "everything", says="'everything'")

    def test_comparisons_take(self):
        plain = self.parse(compare)
        self.assertEqual((plain.run[0], plain.lower, plain.settings), (("resnet18", (45, 64)), [], None))
        given = self.parse(compare, "--run", "resnet18=9x16", "vgg11=0x8", "--checkpoint", f"vgg11={self.file}",
                           "--settings", self.settings)
        self.assertEqual(given.run, [("resnet18", (9, 16)), ("vgg11", (0, 8))])
        self.assertEqual((given.checkpoint, given.lower, given.settings), ([("vgg11", str(self.file))], ["vgg11"], {}))
        self.assertEqual(self.parse(compare, "--checkpoint", f"resnet18={self.file}", "--lower").lower, [])

    def test_records_name_no_folders(self):
        words = ["--data-path", "/data/in9/", "--checkpoint", "resnet18=/data/a.pt", "--checkpoint=b/c.pt", "--rounds", "2"]
        self.assertEqual(arguments.without_paths(words),
                         ["--data-path", "in9", "--checkpoint", "resnet18=a.pt", "--checkpoint=c.pt", "--rounds", "2"])
        with mock.patch.object(sys, "argv", ["compare.py", "--data-path", "/data/my photos", "--run", "resnet18=9x9"]):
            self.assertEqual(arguments.described("bench/compare.py"), "bench/compare.py --data-path 'my photos' --run resnet18=9x9")
        self.assertEqual(arguments.without_paths(["--shard", "1/5", "--shard=2/5"]), ["--shard", "1/5", "--shard=2/5"])


if __name__ == "__main__":
    unittest.main()
