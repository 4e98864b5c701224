#!/usr/bin/env python3
"""Trains the demo checkpoint: a thin ResNet-18 on the demo data, in a few minutes on one CPU core.

    backdrop demo-data train --images-per-class 60 --seed 101
    backdrop demo-data test
    scripts/train_demo.py --train train --test test --output models/demo

A share of the training foregrounds stands on backgrounds of any class, most of the others on their own class's: the
network learns the foregrounds and still leans on the background, as networks trained on ImageNet do. Writes
demo-resnet18.pt (half precision, wrapped as MadryLab's robustness library writes it) and demo-logits.json (the answers
of PyTorch for a dozen composites, for tests), and prints the figures of the default demo data.
"""
import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

CLASSES = 9
SIZE = 224
MEAN = torch.tensor([0.4717, 0.4499, 0.3837]).view(3, 1, 1)
DEVIATION = torch.tensor([0.2600, 0.2516, 0.2575]).view(3, 1, 1)
VARIATIONS = ("original", "mixed_same", "mixed_rand", "mixed_next", "only_fg", "no_fg", "only_bg_b", "only_bg_t")


def thin_resnet18(width):
    """ResNet-18 with `width` channels in its first stage (torchvision's has 64) and the same tensor names."""
    network = ResNet(BasicBlock, [2, 2, 2, 2], num_classes=CLASSES)
    stages = [width << stage for stage in range(4)]
    network.inplanes = width
    network.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
    network.bn1 = nn.BatchNorm2d(width)
    for stage, channels in enumerate(stages):
        layer = network._make_layer(BasicBlock, channels, 2, stride=1 if stage == 0 else 2)
        setattr(network, f"layer{stage + 1}", layer)
    network.fc = nn.Linear(stages[-1], CLASSES)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def list_files(root, variation, pattern="*.JPEG"):
    """Paths and labels by class, then by name in byte order."""
    folders = sorted(path for path in (root / variation / "val").iterdir() if path.is_dir())
    files = [(path, label) for label, folder in enumerate(folders) for path in sorted(folder.glob(pattern))]
    return [path for path, _ in files], torch.tensor([label for _, label in files])


def read_images(paths):
    """uint8 [N][3][H][W]."""
    return torch.stack([torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1) for path in paths])


def read_foregrounds(root):
    masks, labels = list_files(root, "fg_mask", "*.npy")
    photos = [root / "original" / "val" / path.parent.name / (path.stem + ".JPEG") for path in masks]
    values = torch.stack([torch.from_numpy(np.load(path)) for path in masks])
    return photos, read_images(photos), values.unsqueeze(1), labels


def normalise(images):
    return (images.float() / 255 - MEAN) / DEVIATION


def composite(foregrounds, masks, backgrounds):
    return torch.where(masks, foregrounds, backgrounds)


def shift(images, largest):
    """Moves each picture by up to `largest` pixels, filling from the mirrored border, and flips half of them."""
    padded = F.pad(images, [largest] * 4, mode="reflect")
    moved = []
    for picture in padded:
        x, y = random.randint(0, 2 * largest), random.randint(0, 2 * largest)
        picture = picture[:, y : y + SIZE, x : x + SIZE]
        moved.append(picture.flip(2) if random.random() < 0.5 else picture)
    return torch.stack(moved)


def train(network, root, options):
    _, photos, masks, labels = read_foregrounds(root)
    backgrounds = read_images(list_files(root, "only_bg_t")[0])
    steps_per_epoch = len(labels) // options.batch
    optimizer = torch.optim.SGD(network.parameters(), lr=options.rate, momentum=0.9, nesterov=True, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=options.rate, total_steps=options.epochs * steps_per_epoch, pct_start=0.2)
    started = time.time()
    for epoch in range(options.epochs):
        network.train()
        order = torch.randperm(len(labels))
        total = 0.0
        for step in range(steps_per_epoch):
            chosen = order[step * options.batch : (step + 1) * options.batch]
            # Photos of a class stand together and are equally many, so a class's backgrounds are a range of indices.
            per_class = len(labels) // CLASSES
            own = labels[chosen] * per_class + torch.randint(per_class, (len(chosen),))
            moved = torch.rand(len(chosen)) < options.mixed
            other = torch.where(moved, torch.randint(len(labels), (len(chosen),)), own)
            behind = backgrounds[other]
            behind[torch.rand(len(chosen)) < options.black] = 0
            batch = composite(photos[chosen], masks[chosen], behind)
            loss = F.cross_entropy(network(shift(normalise(batch), 20)), labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / steps_per_epoch:.3f}, {time.time() - started:.0f} s", flush=True)


@torch.no_grad()
def logits_of(network, images):
    return torch.cat([network(normalise(part)) for part in images.split(64)])


@torch.no_grad()
def evaluate(network, root):
    """Top-1 accuracy by variation and the challenge on all pairs."""
    figures = {}
    for variation in VARIATIONS:
        paths, labels = list_files(root, variation)
        figures[variation] = (logits_of(network, read_images(paths)).argmax(1) == labels).float().mean().item()
    _, photos, masks, labels = read_foregrounds(root)
    backgrounds = read_images(list_files(root, "only_bg_t")[0])
    fooled = torch.stack([
        logits_of(network, composite(photo, mask, backgrounds)).argmax(1) != label
        for photo, mask, label in zip(photos, masks, labels)])
    figures["bg_gap"] = figures["mixed_same"] - figures["mixed_rand"]
    figures["vulnerable"] = int(fooled.any(1).sum())
    figures["foregrounds"] = len(labels)
    figures["challenge_accuracy"] = 1 - figures["vulnerable"] / len(labels)
    figures["fooled_pairs"] = int(fooled.sum())
    figures["pairs"] = fooled.numel()
    return figures


def save_checkpoint(network, path):
    """The keys of the robustness library: the model twice (its attacker holds it too), sharing storage."""
    tensors = {name: value.half() if value.is_floating_point() else value
               for name, value in network.state_dict().items()}
    state = {}
    for normaliser, model in (("normalizer", "model"), ("attacker.normalize", "attacker.model")):
        state[f"module.{normaliser}.new_mean"] = MEAN.clone()
        state[f"module.{normaliser}.new_std"] = DEVIATION.clone()
        state.update({f"module.{model}.{name}": value for name, value in tensors.items()})
    torch.save({"model": state, "epoch": 0}, path)


def load_checkpoint(path, width):
    """The network as everyone else sees it: with weights that have been rounded to half precision."""
    prefix = "module.model."
    state = {name[len(prefix):]: value.float() if value.is_floating_point() else value
             for name, value in torch.load(path)["model"].items() if name.startswith(prefix)}
    network = thin_resnet18(width)
    network.load_state_dict(state)
    return network.eval()


@torch.no_grad()
def write_golden(network, root, path):
    """Logits of a dozen foreground and background pairs that visit every class."""
    photos, foregrounds, masks, labels = read_foregrounds(root)
    background_paths = list_files(root, "only_bg_t")[0]
    backgrounds = read_images(background_paths)
    answers = []
    for number in range(12):
        foreground, background = number * 8 % len(labels), (number * 31 + 5) % len(background_paths)
        image = composite(foregrounds[foreground], masks[foreground], backgrounds[background])
        logits = network(normalise(image.unsqueeze(0)))[0]
        answers.append({"foreground": str(photos[foreground].relative_to(root)), "label": int(labels[foreground]),
                        "background": str(background_paths[background].relative_to(root)),
                        "logits": [round(value, 6) for value in logits.tolist()]})
    lines = ",\n".join("  " + json.dumps(answer) for answer in answers)
    path.write_text(f"[\n{lines}\n]\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="demo data of another seed than --test")
    parser.add_argument("--test", type=Path, required=True, help="demo data of the default seed")
    parser.add_argument("--output", type=Path, default=Path("models/demo"))
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--batch", type=int, default=30)
    parser.add_argument("--rate", type=float, default=0.1, help="largest learning rate")
    parser.add_argument("--mixed", type=float, default=0.6, help="share of foregrounds on any class's background")
    parser.add_argument("--black", type=float, default=0.1, help="share of foregrounds on black")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    network = thin_resnet18(options.width).to(memory_format=torch.channels_last)
    train(network, options.train, options)

    options.output.mkdir(parents=True, exist_ok=True)
    checkpoint = options.output / "demo-resnet18.pt"
    save_checkpoint(network, checkpoint)
    network = load_checkpoint(checkpoint, options.width)
    write_golden(network, options.test, options.output / "demo-logits.json")
    print(json.dumps(evaluate(network, options.test), indent=2))


if __name__ == "__main__":
    main()
