#!/usr/bin/env python3
"""The challenge in PyTorch on the CPU, as the peer that Backdrop is measured against.

Two ways to do the same job (https://github.com/MadryLab/backgrounds_challenge):

fast       what a user who knows PyTorch would write: everything decoded once, backgrounds kept normalised in
           channels-last order, composites made per batch, batch normalisation folded, inference mode, the best of
           several executors and batch sizes chosen by measuring before the clock starts.
published  the loop of challenge_eval.py: for every foreground a DataLoader over all backgrounds, batches of 32,
           composites in floating point, stop at the first background that fools the model.

Prints one JSON object. The clock runs over the search alone: not over imports, decoding (fast), loading of weights
and tuning.
"""

import argparse
import json
import sys
import time

import numpy as np
import torch
from torch.fx.experimental import optimization

import in9
import models

BATCHES = (4, 8, 16, 32, 64)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-path", required=True, help="root of an IN-9 tree")
    parser.add_argument("--arch", default="resnet50", help="torchvision's name of the network")
    parser.add_argument("--checkpoint", help="weights; without it seeded random ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--classes", type=int, default=9, help="outputs of a random network")
    parser.add_argument("--foregrounds", type=int, default=0, metavar="N", help="take N, spread over classes")
    parser.add_argument("--backgrounds", type=int, default=0, metavar="N", help="take N, spread over classes")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--variant", choices=("fast", "published"), default="fast")
    parser.add_argument("--executor", choices=("auto", "eager", "frozen", "compiled"), default="auto")
    parser.add_argument("--batch", type=int, default=0, help="composites per batch; 0: the fastest (fast only)")
    parser.add_argument("--workers", type=int, default=8, help="of the DataLoader (published only)")
    parser.add_argument("--save-logits", metavar="NPY", help="float32 [F][B][classes] (fast only)")
    parser.add_argument("--save-predictions", metavar="NPY", help="int16 [F][B] (fast only)")
    parser.add_argument("--save-checkpoint", metavar="PT", help="write the weights used, and go on")
    return parser.parse_args()


class Challenge:
    """Decoded inputs. Backgrounds are normalised once: with masks of 0 and 1 that commutes with compositing."""

    def __init__(self, foregrounds, backgrounds, model):
        self.model = model
        self.labels = [label for _, _, label in foregrounds]
        self.masks = [torch.from_numpy(in9.read_mask(mask)) for _, mask, _ in foregrounds]
        self.foregrounds = [self.prepare(in9.read_photo(photo)[None]) for photo, _, _ in foregrounds]
        self.backgrounds = self.prepare(np.stack([in9.read_photo(photo) for photo, _ in backgrounds]))

    def prepare(self, pixels):
        photos = torch.empty(pixels.shape, memory_format=torch.channels_last)
        for i, photo in enumerate(pixels):
            photos[i] = self.model.normalize(torch.from_numpy(photo) / 255)
        return photos

    def composites(self, foreground, first, count):
        return torch.where(self.masks[foreground], self.foregrounds[foreground],
                           self.backgrounds[first:first + count])


def make_executors(network, example, wanted):
    """Ways to run the network, by name. Those that this PyTorch lacks or fails at are left out."""
    fused = optimization.fuse(network).to(memory_format=torch.channels_last).eval()
    executors = {"eager": fused}
    if wanted in ("auto", "frozen"):
        traced = torch.jit.freeze(torch.jit.trace(fused, example))
        executors["frozen"] = torch.jit.optimize_for_inference(traced)
    if wanted == "compiled" or (wanted == "auto" and hasattr(torch, "compile")):
        executors["compiled"] = torch.compile(fused)
    return executors if wanted == "auto" else {wanted: executors[wanted]}


def choose(challenge, arguments):
    """The fastest executor and batch size: each runs for two batches unmeasured and then for about a second."""
    batches = [arguments.batch] if arguments.batch else BATCHES
    largest = len(challenge.backgrounds)
    batches = sorted({min(batch, largest) for batch in batches})
    best = (0.0, None, None, None)
    executors = make_executors(challenge.model.network, challenge.composites(0, 0, batches[0]), arguments.executor)
    for name, run in executors.items():
        for batch in batches:
            if len(executors) * len(batches) == 1:
                run(challenge.composites(0, 0, batch))
                return name, run, batch
            for _ in range(2):
                run(challenge.composites(0, 0, batch))
            started, done = time.perf_counter(), 0
            while (seconds := time.perf_counter() - started) < 1:
                run(challenge.composites(0, 0, batch))
                done += batch
            best = max(best, (done / seconds, name, run, batch), key=lambda entry: entry[0])
    return best[1:]


def run_fast(arguments, model, foregrounds, backgrounds):
    started = time.perf_counter()
    challenge = Challenge(foregrounds, backgrounds, model)
    decoding = time.perf_counter() - started
    name, run, batch = choose(challenge, arguments)

    total = len(backgrounds)
    logits = []
    started = time.perf_counter()
    for i in range(len(foregrounds)):
        logits.append(torch.cat([run(challenge.composites(i, first, batch)) for first in range(0, total, batch)]))
    logits = torch.stack(logits)
    predictions = logits.argmax(dim=2)
    seconds = time.perf_counter() - started

    if arguments.save_logits:
        np.save(arguments.save_logits, logits.numpy())
    if arguments.save_predictions:
        np.save(arguments.save_predictions, predictions.numpy().astype(np.int16))
    answer = {"executor": name, "batch": batch, "decode_seconds": decoding, "seconds": seconds,
              "composites": len(foregrounds) * total}
    if logits.shape[2] == 9:
        fooled = predictions != torch.tensor(challenge.labels)[:, None]
        answer["vulnerable"] = int(fooled.any(dim=1).sum())
    return answer


class Backgrounds(torch.utils.data.Dataset):
    """Photos as the published loader gives them: float [3][H][W] in [0,1], decoded again in every pass."""

    def __init__(self, files):
        self.files = files

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        path, label = self.files[index]
        return torch.from_numpy(in9.read_photo(path)) / 255, label


def fools(model, loader, photo, mask, label):
    """Whether any background fools the model, and how many were tried."""
    tried = 0
    for photos, _ in loader:
        composites = photos * (1 - mask) + mask * photo
        predictions = model(composites).topk(1, 1, True, True)[1][:, 0]
        tried += len(photos)
        if (predictions != label).any().item():
            return True, tried
    return False, tried


def run_published(arguments, model, foregrounds, backgrounds):
    loader = torch.utils.data.DataLoader(Backgrounds(backgrounds), batch_size=32, num_workers=arguments.workers)
    model(torch.zeros(1, 3, 224, 224))
    vulnerable, composites = 0, 0
    started = time.perf_counter()
    for photo, mask, label in foregrounds:
        pixels = torch.from_numpy(in9.read_photo(photo)) / 255
        fooled, tried = fools(model, loader, pixels, torch.from_numpy(in9.read_mask(mask)).float(), label)
        vulnerable += fooled
        composites += tried
    return {"executor": "eager", "batch": 32, "seconds": time.perf_counter() - started, "composites": composites,
            "vulnerable": vulnerable}


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    foregrounds = in9.spread(in9.list_foregrounds(arguments.data_path), arguments.foregrounds)
    backgrounds = in9.spread(in9.list_files(arguments.data_path, "only_bg_t"), arguments.backgrounds)

    if arguments.checkpoint:
        model = models.load_checkpoint(arguments.arch, arguments.checkpoint)
    else:
        photos = np.stack([in9.read_photo(photo) for photo, _ in in9.spread(backgrounds, 36)])
        model = models.random_model(arguments.arch, arguments.classes, arguments.seed,
                                    torch.from_numpy(photos) / 255)
    if arguments.save_checkpoint:
        torch.save(model.network.state_dict(), arguments.save_checkpoint)

    run = run_fast if arguments.variant == "fast" else run_published
    with torch.inference_mode():
        answer = run(arguments, model, foregrounds, backgrounds)
    answer = {"peer": f"pytorch {arguments.variant}", "torch": torch.__version__, "arch": arguments.arch,
              "threads": arguments.threads, "foregrounds": len(foregrounds), "backgrounds": len(backgrounds),
              **answer, "composites_per_second": answer["composites"] / answer["seconds"]}
    json.dump(answer, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
