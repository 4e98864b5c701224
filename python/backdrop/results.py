"""A result folder as a data set: arrays mapped from disk, foregrounds and backgrounds as records."""

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy


@dataclass(frozen=True)
class Foreground:
    """One row of foregrounds.csv with its rows of the arrays."""

    index: int
    name: str
    label: int
    predictions: numpy.ndarray  # int16 [B]; -1: not evaluated
    margins: numpy.ndarray  # float32 [B]; NaN: not evaluated
    row: dict  # every column, as text

    @property
    def vulnerable(self):
        return self.row["vulnerable"] == "1"


@dataclass(frozen=True)
class Background:
    """One row of backgrounds.csv."""

    index: int
    name: str
    label: int
    row: dict


class Results(Sequence):
    """The foregrounds of a finished run, in the order of the arrays' rows."""

    def __init__(self, folder):
        self.folder = os.fspath(folder)
        with open(os.path.join(self.folder, "run.json"), encoding="utf-8") as file:
            self.run = json.load(file)
        self.predictions = numpy.load(os.path.join(self.folder, "predictions.npy"), mmap_mode="r")
        self.margins = numpy.load(os.path.join(self.folder, "margins.npy"), mmap_mode="r")
        self._foregrounds = self._rows("foregrounds.csv")
        self.backgrounds = [Background(index, row["name"], int(row["label"]), row)
                            for index, row in enumerate(self._rows("backgrounds.csv"))]
        if self.predictions.shape != (len(self._foregrounds), len(self.backgrounds)):
            raise ValueError(f"{self.folder}: the arrays are not of the size of the tables")

    def _rows(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def __len__(self):
        return len(self._foregrounds)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        row = self._foregrounds[index]
        return Foreground(index, row["name"], int(row["label"]), self.predictions[index], self.margins[index], row)

    @property
    def challenge_accuracy(self):
        return self.run["result"]["challenge_accuracy"]
