#!/usr/bin/env python3
"""Writes a checkpoint for measurements of lower precision where no trained one is at hand: random convolutions, and a
classifier that is fitted to tell the foregrounds' classes.

How often a fast decision must be made again depends on how far the classes' logits lie apart, so logits must mean
something. The last layer is fitted by ridge regression on composites; everything before it is models.random_model's.

    bench/fitted_network.py --data-path DATA --arch resnet50 --out resnet50.pt
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
import in9  # noqa: E402
import models  # noqa: E402

SCALE = 8.0  # of the fitted logits: the right class's lead is about this
# Of each residual block's last normalisation. At 1 rounding errors grow from block to block of a random network as they
# do in no trained one: half of the predictions change between fp32 and int8, whoever computes them.
BRANCH = 0.3


def composites(data, foregrounds, backgrounds_each):
    """(photos in [0,1], label) for each foreground on some of the backgrounds, another choice for each."""
    files = [file for file, _ in in9.list_files(data, "only_bg_t")]
    generator = np.random.default_rng(1)
    for photo, mask, label in in9.spread(in9.list_foregrounds(data), foregrounds):
        chosen = generator.choice(len(files), backgrounds_each, replace=False)
        backgrounds = np.stack([in9.read_photo(files[i]) for i in chosen])
        pasted = np.where(in9.read_mask(mask), in9.read_photo(photo), backgrounds)
        yield torch.from_numpy(pasted).float() / 255, label


def fit(model, data, foregrounds, backgrounds_each):
    last = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
    features, labels = [], []
    hook = last.register_forward_hook(lambda module, inputs, output: features.append(inputs[0].double()))
    with torch.inference_mode():
        for photos, label in composites(data, foregrounds, backgrounds_each):
            model(photos)
            labels += [label] * len(photos)
    hook.remove()
    features, targets = torch.cat(features), torch.nn.functional.one_hot(torch.tensor(labels), 9).double()
    mean = features.mean(dim=0)
    centred = features - mean
    # As many unknowns as there are composites, whatever the width of the layer.
    kernel = centred @ centred.T
    ridge = 0.05 * kernel.diagonal().mean() * torch.eye(len(kernel), dtype=torch.float64)
    weights = centred.T @ torch.linalg.solve(kernel + ridge, targets - targets.mean(dim=0))
    with torch.inference_mode():
        last.weight.copy_(SCALE * weights.T)
        last.bias.copy_(SCALE * (targets.mean(dim=0) - mean @ weights))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-path", required=True, help="root of an IN-9 tree")
    parser.add_argument("--arch", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--foregrounds", type=int, default=45)
    parser.add_argument("--backgrounds-each", type=int, default=10)
    arguments = parser.parse_args()
    photos = [in9.read_photo(photo) for photo, _ in in9.spread(in9.list_files(arguments.data_path, "only_bg_t"), 36)]
    model = models.random_model(arguments.arch, 9, 1, torch.from_numpy(np.stack(photos)) / 255, BRANCH)
    fit(model, arguments.data_path, arguments.foregrounds, arguments.backgrounds_each)
    torch.save(model.network.state_dict(), arguments.out)


if __name__ == "__main__":
    main()
