#!/usr/bin/env python3
"""Trains a nine-class network on the photos of an IN-9 tree in some minutes on a CPU, for measurements where no trained
checkpoint is at hand. Small pictures alone do not do: a network must get used to whole ones again.

How often a fast decision must be made again in fp32 depends on how far the classes' logits lie apart and on how rounding
errors grow from layer to layer: random weights say nothing about either. Half of the samples stand on a background of any
class, the others on their own, as those of a network that leans on the background. The first epochs see small pictures,
the last ones whole ones.

    build/bench-venv/bin/python bench/trained_network.py --data-path DATA --arch resnet50 --out resnet50.pt
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
import in9  # noqa: E402
import models  # noqa: E402
from machine import has_bf16  # noqa: E402


class Photos:
    """Every foreground with its mask and label, and every background, as uint8 tensors."""

    def __init__(self, root, count):
        foregrounds = in9.spread(in9.list_foregrounds(root), count)
        self.labels = torch.tensor([label for _, _, label in foregrounds])
        self.photos = torch.from_numpy(np.stack([in9.read_photo(photo) for photo, _, _ in foregrounds]))
        self.masks = torch.from_numpy(np.stack([in9.read_mask(mask) for _, mask, _ in foregrounds])).unsqueeze(1)
        backgrounds = [in9.read_photo(photo) for photo, _ in in9.list_files(root, "only_bg_t")]
        self.backgrounds = torch.from_numpy(np.stack(backgrounds))

    def composites(self, chosen, mixed, pixels):
        """[N][3][pixels][pixels] in [0,1]: photos, a share `mixed` of the foregrounds on another background."""
        behind = self.backgrounds[torch.randint(len(self.backgrounds), (len(chosen),))]
        kept = self.masks[chosen] | (torch.rand(len(chosen), 1, 1, 1) >= mixed)
        batch = torch.where(kept, self.photos[chosen], behind).float() / 255
        if pixels != batch.shape[-1]:
            batch = F.interpolate(batch, size=pixels, mode="area")
        return batch.to(memory_format=torch.channels_last)


def train(model, photos, epochs, pixels, rate, options):
    if not epochs:
        return
    steps = len(photos.labels) // options.batch
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=epochs * steps, pct_start=0.2)
    started = time.time()
    model.train()
    for epoch in range(epochs):
        total = right = 0
        for chosen in torch.randperm(len(photos.labels))[: steps * options.batch].split(options.batch):
            batch = photos.composites(chosen, options.mixed, pixels)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bf16()):
                logits = model(batch).float()
            loss = F.cross_entropy(logits, photos.labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
            right += (logits.argmax(1) == photos.labels[chosen]).sum().item()
        count = steps * options.batch
        print(f"{pixels} pixels, epoch {epoch + 1}: loss {total / count:.3f}, right {right / count:.3f}, "
              f"{time.time() - started:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-path", required=True, help="root of an IN-9 tree")
    parser.add_argument("--arch", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=int, default=40, help="on small pictures, before")
    parser.add_argument("--pixels", type=int, default=112, help="of a side of the small pictures")
    parser.add_argument("--last-epochs", type=int, default=30, help="on whole pictures")
    parser.add_argument("--foregrounds", type=int, default=135, help="to train on, the same number of each class")
    parser.add_argument("--start", help="weights that an earlier call wrote, to train further")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.02, help="largest learning rate")
    parser.add_argument("--mixed", type=float, default=0.5, help="share of foregrounds on any class's background")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    photos = Photos(options.data_path, options.foregrounds)
    sample = photos.photos[:: max(1, len(photos.photos) // 36)].float() / 255
    model = models.random_model(options.arch, 9, options.seed, sample, branch=0.0).to(memory_format=torch.channels_last)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.1
    linear = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    for module in linear[:-1]:  # VGG's wide ones: a random projection serves, and their updates would take most of the time.
        module.requires_grad_(False)
        torch.nn.init.kaiming_normal_(module.weight, a=3)  # Weak signals: the classifier learns at the same rate as the rest.
    torch.nn.init.zeros_(linear[-1].weight)
    torch.nn.init.zeros_(linear[-1].bias)
    if options.start:
        model.network.load_state_dict(torch.load(options.start))
    train(model, photos, options.epochs, options.pixels, options.rate, options)
    train(model, photos, options.last_epochs, photos.photos.shape[-1], options.rate / 2, options)
    torch.save(model.eval().network.state_dict(), options.out)


if __name__ == "__main__":
    main()
