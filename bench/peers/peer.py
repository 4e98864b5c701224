"""What all peers share: their inputs, their clock, and how bench/compare.py talks to them.

A peer is a program that answers the challenge with somebody else's engine. Without --settings it measures its
candidates (executors, batch sizes, streams) for about a second each and prints the best as one line of JSON. With
--settings it first answers for the first foregrounds, unmeasured, and writes those logits; then it searches everything
for every line on its standard input, writes its predictions and prints one line of JSON each time.

The clock runs from the first composite to the last prediction. Decoding, normalising the backgrounds, reading and
preparing the network and tuning are outside.
"""

import argparse
import json
import os
import re
import sys
import time
from pathlib import Path

import numpy as np

import in9

# Batches divide the backgrounds, so that no peer pays for a short last batch.
BATCHES = (1, 4, 8, 16, 32, 64)

CHECKED = 2  # foregrounds whose logits are compared before anything is timed


def parse_arguments(description, precisions):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-path", required=True, help="root of an IN-9 tree")
    parser.add_argument("--arch", required=True, help="torchvision's name of the network")
    parser.add_argument("--model", required=True, help="weights: a checkpoint for PyTorch, an ONNX file for the others")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--precision", choices=precisions, default="fp32")
    parser.add_argument("--quick", action="store_true", help="try fewer candidates")
    parser.add_argument("--settings", help="JSON: what tuning found")
    parser.add_argument("--save-logits", metavar="NPY", help="float32 [F][B][classes] of the first foregrounds")
    parser.add_argument("--save-predictions", metavar="NPY", help="int16 [F][B] of the last search")
    return parser.parse_args()


def read_normalization(model):
    """(mean, deviation) of the file that prepare.py leaves beside the models it writes."""
    values = json.loads((Path(model).parent / "normalization.json").read_text())
    return values["mean"], values["deviation"]


class Challenge:
    """Decoded inputs, float32 [N][3][H][W]: with masks of 0 and 1 normalising commutes with compositing."""

    def __init__(self, root, mean, deviation):
        self.mean = np.array(mean, np.float32).reshape(3, 1, 1)
        self.deviation = np.array(deviation, np.float32).reshape(3, 1, 1)
        foregrounds = in9.list_foregrounds(root)
        self.masks = [in9.read_mask(mask)[None, None] for _, mask, _ in foregrounds]
        self.foregrounds = [self.normalize(in9.read_photo(photo))[None] for photo, _, _ in foregrounds]
        self.backgrounds = np.stack([self.normalize(in9.read_photo(photo))
                                     for photo, _ in in9.list_files(root, "only_bg_t")])

    def normalize(self, photo):
        return ((np.clip(photo.astype(np.float32) / 255, 0, 1) - self.mean) / self.deviation).astype(np.float32)

    def jobs(self, batch):
        """(foreground, first background, backgrounds) of every batch."""
        return [(foreground, first, batch) for foreground in range(len(self.foregrounds))
                for first in range(0, len(self.backgrounds), batch)]

    def batches(self, wanted):
        """For each size wanted the largest one below it that divides the backgrounds."""
        count = len(self.backgrounds)
        return sorted({max(size for size in range(1, min(want, count) + 1) if count % size == 0) for want in wanted})


def tune(challenge, candidates, open_runner, at_once):
    """The fastest candidate, and what all of them reached; one that cannot run is left out, with the reason."""
    tried = []
    for settings in candidates:
        try:
            run = open_runner(settings)
            jobs = challenge.jobs(settings["batch"])
            together = at_once(settings)
            run(jobs[:together])
            started = time.perf_counter()
            run(jobs[:together])
            once = time.perf_counter() - started
            chosen = jobs[:together * max(1, round(1 / once))]
            started = time.perf_counter()
            run(chosen)
            rate = len(chosen) * settings["batch"] / (time.perf_counter() - started)
            tried.append({**settings, "composites_per_second": rate})
        except Exception as error:  # noqa: BLE001: whatever a foreign engine throws, the others go on
            tried.append({**settings, "failed": str(error).strip().splitlines()[0][:200] if str(error) else repr(error)})
    able = [entry for entry in tried if "failed" not in entry]
    if not able:
        raise SystemExit(f"no candidate runs: {tried[0]['failed']}")
    best = max(able, key=lambda entry: entry["composites_per_second"])
    settings = {key: value for key, value in best.items() if key != "composites_per_second"}
    return {"settings": settings, "composites_per_second": best["composites_per_second"], "tried": tried}


def peak_memory():
    """The largest resident set of this process so far, in bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])


def serve(arguments, version, challenge, candidates, open_runner, at_once=lambda settings: 1):
    """`open_runner(settings)` returns a function from jobs to their logits, a list of arrays [batch][classes];
    `at_once(settings)` is how many batches it works on at the same time."""
    def say(**answer):
        print(json.dumps(answer), flush=True)

    if not arguments.settings:
        say(version=version, **tune(challenge, candidates, open_runner, at_once))
        return
    settings = json.loads(arguments.settings)
    run = open_runner(settings)
    jobs = challenge.jobs(settings["batch"])
    backgrounds = len(challenge.backgrounds)
    first = np.concatenate(run(jobs[:CHECKED * backgrounds // settings["batch"]]))
    if arguments.save_logits:
        np.save(arguments.save_logits, first.reshape(-1, backgrounds, first.shape[1]))
    say(ready=True, version=version)
    for _ in sys.stdin:
        started = time.perf_counter()
        predictions = np.concatenate([part.argmax(axis=1) for part in run(jobs)])
        seconds = time.perf_counter() - started
        if arguments.save_predictions:
            np.save(arguments.save_predictions, predictions.astype(np.int16).reshape(-1, backgrounds))
        say(composites=len(predictions), seconds=seconds, peak_memory_bytes=peak_memory())
