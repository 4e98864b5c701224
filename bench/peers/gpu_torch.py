#!/usr/bin/env python3
"""The challenge in PyTorch on a GPU, as the peer that Backdrop is measured against.

What a user who knows PyTorch would write: photos as bytes on the device, composites and normalisation there,
channels_last, fp16 or bf16 weights and activations, eager or torch.compile with max-autotune, the best batch size by
measuring before the clock starts. The clock runs over the search alone and stops when every prediction is on the host.

Prints one JSON object.
"""

import argparse
import json
import sys
import time

import numpy as np
import torch

import in9
import models

BATCHES = (64, 128, 256, 512)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-path", required=True, help="root of an IN-9 tree")
    parser.add_argument("--arch", default="resnet50", help="torchvision's name of the network")
    parser.add_argument("--checkpoint", help="weights; without it seeded random ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--classes", type=int, default=9, help="outputs of a random network")
    parser.add_argument("--precision", choices=("fp32", "tf32", "fp16", "bf16"), default="fp16")
    parser.add_argument("--executor", choices=("eager", "compiled"), default="eager")
    parser.add_argument("--batch", type=int, default=0, help="composites per batch; 0: the fastest")
    parser.add_argument("--save-predictions", metavar="NPY", help="int16 [F][B]")
    parser.add_argument("--save-checkpoint", metavar="PT", help="write the weights used, and go on")
    return parser.parse_args()


class Challenge:
    """Photos on the device, bytes in channels-last order."""

    def __init__(self, data_path, model, dtype):
        foregrounds = in9.list_foregrounds(data_path)
        backgrounds = in9.list_files(data_path, "only_bg_t")
        self.dtype = dtype
        self.scale = (1 / (255 * model.deviation)).cuda()
        self.shift = (model.mean / model.deviation).cuda()
        self.masks = [torch.from_numpy(in9.read_mask(mask)).cuda() for _, mask, _ in foregrounds]
        self.foregrounds = [self.upload([photo]) for photo, _, _ in foregrounds]
        self.backgrounds = self.upload([photo for photo, _ in backgrounds])

    @staticmethod
    def upload(files):
        photos = torch.from_numpy(np.stack([in9.read_photo(file) for file in files]))
        return photos.contiguous(memory_format=torch.channels_last).cuda()

    def composites(self, foreground, first, count):
        chosen = torch.where(self.masks[foreground], self.foregrounds[foreground],
                             self.backgrounds[first:first + count])
        return (chosen * self.scale - self.shift).to(self.dtype, memory_format=torch.channels_last)


def make_step(challenge, network):
    def step(foreground, first, count):
        return network(challenge.composites(foreground, first, count)).argmax(dim=1)
    return step


def rate_of(step, batch, seconds=1.0):
    for _ in range(3):
        step(0, 0, batch)
    torch.cuda.synchronize()
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        step(0, 0, batch)
        torch.cuda.synchronize()
        done += batch
    return done / (time.perf_counter() - started)


def search(challenge, step, batch, foregrounds):
    total = len(challenge.backgrounds)
    predictions = []
    torch.cuda.synchronize()
    started = time.perf_counter()
    for i in range(foregrounds):
        for first in range(0, total, batch):
            predictions.append(step(i, first, batch))
    result = torch.cat(predictions).cpu()
    return time.perf_counter() - started, result.view(foregrounds, total)


def main():
    arguments = parse_arguments()
    if not torch.cuda.is_available():
        sys.exit("no GPU")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = arguments.precision == "tf32"
    torch.backends.cudnn.benchmark = True
    if arguments.checkpoint:
        model = models.load_checkpoint(arguments.arch, arguments.checkpoint)
    else:
        photos = np.stack([in9.read_photo(file) for file, _ in in9.list_files(arguments.data_path, "only_bg_t")[:32]])
        model = models.random_model(arguments.arch, arguments.classes, arguments.seed,
                                    torch.from_numpy(photos) / 255)
    if arguments.save_checkpoint:
        torch.save(model.network.state_dict(), arguments.save_checkpoint)
    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(arguments.precision, torch.float32)
    challenge = Challenge(arguments.data_path, model, dtype)
    network = model.network.to("cuda", dtype, memory_format=torch.channels_last).eval()
    if arguments.executor == "compiled":
        network = torch.compile(network, mode="max-autotune")
    step = make_step(challenge, network)
    with torch.inference_mode():
        largest = len(challenge.backgrounds)
        batches = sorted({min(batch, largest) for batch in ([arguments.batch] if arguments.batch else BATCHES)})
        batch = max(batches, key=lambda size: rate_of(step, size)) if len(batches) > 1 else batches[0]
        search(challenge, step, batch, 1)  # the last batch of each foreground has a shape of its own
        seconds, predictions = search(challenge, step, batch, len(challenge.foregrounds))
    if arguments.save_predictions:
        np.save(arguments.save_predictions, predictions.numpy().astype(np.int16))
    json.dump({"arch": arguments.arch, "precision": arguments.precision, "executor": arguments.executor,
               "batch": batch, "seconds": seconds, "composites_per_second": predictions.numel() / seconds,
               "torch": torch.__version__, "device": torch.cuda.get_device_name()}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
