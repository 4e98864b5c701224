#!/usr/bin/env python3
"""What bench/compare.py makes of the answers of programs: which may be timed, and which runs count."""

import contextlib
import io
import unittest
from unittest import mock

import bench_folder  # noqa: F401
import numpy as np

import compare
from contestants import Skipped

NAMES = {"a": 0, "b": 1}
# [F = 2][B = 3][classes = 2]: a is fooled on the second background, and b nearly a tie on the third.
LOGITS = np.array([[[3, 1], [1, 3], [3, 1]], [[1, 4], [1, 4], [2, 2.001]]], np.float32)
RIGHT = LOGITS.argmax(axis=2)


def but(foreground, background):
    """The predictions with another one for this pair."""
    changed = RIGHT.copy()
    changed[foreground, background] ^= 1
    return changed


class Program:
    """A contestant that says what it was told to."""
    peer, version, settings, tried = True, "1", {}, []

    def __init__(self, precision="fp32", logits=LOGITS, answers=(), fooled=None):
        self.name, self.precision, self.logits, self.answers, self.fooled = "stand-in", precision, logits, iter(answers), fooled

    def check(self):
        if isinstance(self.logits, Exception):
            raise self.logits
        return self.logits

    def run(self):
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return {"composites": 6, "peak_memory_bytes": 1, "processor_seconds": 0, **answer}


class Calmness:
    """In place of machine.Disturbance: others take these shares, one after another."""

    def __init__(self, *shares):
        self.shares = iter(shares)

    def __call__(self):
        return self

    def share(self, own_seconds):
        return next(self.shares)


class AgreementTest(unittest.TestCase):
    answers = compare.Answers(LOGITS, NAMES)

    def test_near_ties_may_be_decided_either_way(self):
        self.assertEqual(self.answers.compare(RIGHT), {"compared": 5, "different": 0})
        self.assertEqual(self.answers.compare(but(1, 2)), {"compared": 5, "different": 0})
        self.assertEqual(self.answers.compare(but(1, 1)), {"compared": 5, "different": 1})
        self.assertEqual(self.answers.compare(but(0, 1)[:1]), {"compared": 3, "different": 1})

    def test_fooled_foregrounds_may_hang_on_near_ties(self):
        for fooled, different in ((True, True), 0), ((True, False), 0), ((False, False), 1):
            self.assertEqual(self.answers.compare_fooled(NAMES, fooled), {"compared": 2, "different": different})
        surely = compare.Answers(LOGITS[:, :2], NAMES)
        self.assertEqual(surely.compare_fooled(["b"], [True]), {"compared": 1, "different": 1})


class TakeInTest(unittest.TestCase):
    answers = compare.Answers(LOGITS, NAMES)

    def take_in(self, program):
        with contextlib.redirect_stderr(io.StringIO()):
            return compare.take_in(program, self.answers)

    def test_other_answers_in_fp32_are_not_timed(self):
        self.assertIsNone(self.take_in(Program()))
        self.assertEqual(self.take_in(Program(logits=-LOGITS)), "5 of 5 answers differ: not timed")
        self.assertEqual(self.take_in(Program(logits=None, fooled={"a": False, "b": True})), "1 of 2 answers differ: not timed")

    def test_other_answers_below_fp32_are_told(self):
        program = Program("int8", -LOGITS)
        self.assertIsNone(self.take_in(program))
        self.assertEqual(program.agreement, {"compared": 5, "different": 5})

    def test_says_why_a_program_cannot_run(self):
        self.assertEqual(self.take_in(Program(logits=Skipped("it is not installed"))), "it is not installed")


class RoundsTest(unittest.TestCase):
    answers = compare.Answers(LOGITS, NAMES)

    def run_rounds(self, program, rounds=1, patience=0, shares=(0,) * 9):
        rows = {}
        with contextlib.redirect_stderr(io.StringIO()), mock.patch.object(compare, "Disturbance", Calmness(*shares)):
            for _ in range(rounds):
                program.agreement = None
                compare.run_round([program], self.answers, patience, rows)
        return rows["stand-in", program.precision]

    def test_every_round_is_kept(self):
        row = self.run_rounds(Program(answers=[{"seconds": 2}, {"seconds": 3}, {"seconds": 1.5}]), rounds=3)
        self.assertEqual([run["composites_per_second"] for run in row["runs"]], [3, 2, 4])

    def test_the_calmest_search_counts(self):
        searches = [{"seconds": seconds} for seconds in (1, 2, 3)]
        calm = self.run_rounds(Program(answers=searches), patience=2, shares=(0.3, 0.04, 0.01))
        self.assertEqual([(run["seconds"], run["others_share"]) for run in calm["runs"]], [(2, 0.04)])
        loud = self.run_rounds(Program(answers=searches), patience=2, shares=(0.3, 0.2, 0.4))
        self.assertEqual([(run["seconds"], run["others_share"]) for run in loud["runs"]], [(2, 0.2)])

    def test_answers_of_timed_searches_are_compared(self):
        wrong = {"seconds": 1, "predictions": but(0, 0)}
        self.assertEqual(self.run_rounds(Program("int8", answers=[wrong]))["agreement"], {"compared": 5, "different": 1})
        with self.assertRaisesRegex(SystemExit, "stand-in: .*in a timed search"):
            self.run_rounds(Program(answers=[wrong]))

    def test_a_search_that_fails_ends_it_in_one_line(self):
        with self.assertRaisesRegex(SystemExit, "^stand-in fp32: in a timed search: it ended early$"):
            self.run_rounds(Program(answers=[{"seconds": 1}, Skipped("it ended early")]), rounds=2)


if __name__ == "__main__":
    unittest.main()
