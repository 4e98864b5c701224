#!/usr/bin/env python3
"""Networks with seeded random weights and PyTorch's logits for them, which the golden tests compare with.

    make_golden.py thin DIR        the thin networks and answers that tests/golden holds
    make_golden.py full ARCH DIR   one full-size network (what the full-size tests run), two photos

Needs python3-torch and python3-torchvision (Debian 12). DIR gets one checkpoint a network, in the formats and wrappers
that checkpoints come in, and answers.json. Photos and masks are not stored: photo() and mask() below and
tests/engine/golden_images.cpp draw the same ones from a seed by integer arithmetic.

Batch normalisation gets its statistics from a training pass over a few photos, then random changes, so that activations
keep their scale through deep networks and every statistic matters.
"""

import argparse
import json
import pathlib
import struct
import zlib

import numpy
import torch
import torchvision
from torch import nn
from torchvision.models import resnet, vgg

SIZE = 224
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
IN9 = ((0.4717, 0.4499, 0.3837), (0.2600, 0.2516, 0.2575))
OWN = ((0.4, 0.5, 0.6), (0.25, 0.2, 0.3))

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}

# name, architecture, stem width, classes, storage type, file format
THIN = [
    ("resnet18", "resnet18", 8, 9, torch.float16, "robustness"),
    ("resnet34", "resnet34", 4, 9, torch.float16, "legacy"),
    ("resnet50", "resnet50", 5, 7, torch.float16, "zip"),
    ("wide_resnet50_2", "wide_resnet50_2", 3, 9, torch.float16, "zip"),
    ("resnext50_32x4d", "resnext50_32x4d", 4, 9, torch.float16, "zip"),
    ("leaky_resnet18", "leaky_resnet18", 4, 9, torch.float32, "zip"),
    ("vgg11", "vgg11", 4, 1000, torch.float16, "safetensors"),
    ("vgg16_bn", "vgg16_bn", 4, 9, torch.float16, "zip"),
    ("alexnet", "alexnet", 8, 9, torch.float32, "legacy"),
]
THIN_GROUPS = 4
THIN_HIDDEN = 28

# foreground seed, background seed, centre x, centre y, radius of the mask
COMPOSITES = [(11, 21, 100, 120, 50), (11, 22, 100, 120, 50), (12, 21, 5, 10, 90), (13, 22, 200, 112, 30)]


def hashed(x, y, channel, seed):
    """32 well-mixed bits of a position, as uint32 arrays that wrap around."""
    u = numpy.uint32
    with numpy.errstate(over="ignore"):
        h = u(seed) * u(0x9E3779B1) + x * u(0x85EBCA6B) + y * u(0xC2B2AE35) + u(channel) * u(0x27D4EB2F)
        h = (h ^ (h >> u(15))) * u(0x2C1B3C6D)
        h = (h ^ (h >> u(12))) * u(0x297A2D39)
    return h ^ (h >> u(15))


def photo(seed):
    """[H][W][3] uint8: noise interpolated between cells of 32 pixels, plus fine noise."""
    y, x = numpy.mgrid[0:SIZE, 0:SIZE].astype(numpy.uint32)
    fx, fy = (x % 32).astype(numpy.int64), (y % 32).astype(numpy.int64)
    planes = []
    for channel in range(3):
        def corner(dx, dy):
            cell = hashed(x // 32 + numpy.uint32(dx), y // 32 + numpy.uint32(dy), channel, seed)
            return (cell & 255).astype(numpy.int64)
        smooth = (corner(0, 0) * (32 - fx) * (32 - fy) + corner(1, 0) * fx * (32 - fy) +
                  corner(0, 1) * (32 - fx) * fy + corner(1, 1) * fx * fy) // 1024
        fine = (hashed(x + numpy.uint32(1000), y + numpy.uint32(1000), channel, seed) & 63).astype(numpy.int64) - 32
        planes.append(numpy.clip(smooth + fine, 0, 255).astype(numpy.uint8))
    return numpy.stack(planes, axis=-1)


def mask(centre_x, centre_y, radius):
    """[H][W]: 1 inside a circle."""
    y, x = numpy.mgrid[0:SIZE, 0:SIZE]
    return ((x - centre_x) ** 2 + (y - centre_y) ** 2 < radius ** 2).astype(numpy.float32)


def to_tensor(pixels):
    return torch.from_numpy(pixels.astype(numpy.float32) / 255).permute(2, 0, 1)


class ThinResNet(resnet.ResNet):
    """torchvision's ResNet with another stem width; all further widths scale with it."""

    def __init__(self, block, blocks, width, bottleneck_width, groups, classes):
        self.width = width
        super().__init__(block, list(blocks), num_classes=classes, groups=groups,
                         width_per_group=64 * bottleneck_width // groups)
        self.fc = nn.Linear(8 * width * block.expansion, classes)

    def _make_layer(self, block, planes, *arguments, **options):
        if planes == 64:
            self.inplanes = self.width
            self.conv1 = nn.Conv2d(3, self.width, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(self.width)
        return super()._make_layer(block, planes * self.width // 64, *arguments, **options)


def make_resnet(arch, width, classes, groups):
    plain = arch.replace("leaky_", "")
    depth = next(d for d in (152, 101, 50, 34, 18) if f"net{d}" in plain or f"xt{d}" in plain)
    bottleneck_width = 1
    if plain.startswith("wide"):
        bottleneck_width = int(plain[-1])
    elif plain.startswith("resnext"):
        bottleneck_width = 2 if depth == 50 else 4
    block = resnet.BasicBlock if depth < 50 else resnet.Bottleneck
    network = ThinResNet(block, BLOCKS[depth], width, bottleneck_width, groups, classes)
    if arch.startswith("leaky"):
        for module in network.modules():
            if hasattr(module, "relu"):
                module.relu = nn.LeakyReLU(inplace=True)
    return network


def make_vgg(arch, width, classes, hidden):
    letter = {"11": "A", "13": "B", "16": "D", "19": "E"}[arch[3:5]]
    widths = [c if c == "M" else c * width // 64 for c in vgg.cfgs[letter]]
    network = vgg.VGG(vgg.make_layers(widths, batch_norm=arch.endswith("_bn")), init_weights=False)
    network.classifier[0] = nn.Linear(8 * width * 49, hidden)
    network.classifier[3] = nn.Linear(hidden, hidden)
    network.classifier[6] = nn.Linear(hidden, classes)
    return network


def make_alexnet(width, classes, hidden):
    network = torchvision.models.alexnet()
    channels = 3
    for index, factor in ((0, 1), (3, 3), (6, 6), (8, 4), (10, 4)):
        old = network.features[index]
        network.features[index] = nn.Conv2d(channels, factor * width, old.kernel_size, old.stride, old.padding)
        channels = factor * width
    network.classifier[1] = nn.Linear(channels * 36, hidden)
    network.classifier[4] = nn.Linear(hidden, hidden)
    network.classifier[6] = nn.Linear(hidden, classes)
    return network


def make_thin(arch, width, classes):
    if arch == "alexnet":
        return make_alexnet(width, classes, THIN_HIDDEN)
    if arch.startswith("vgg"):
        return make_vgg(arch, width, classes, THIN_HIDDEN)
    return make_resnet(arch, width, classes, THIN_GROUPS if arch.startswith("resnext") else 1)


def make_full(arch):
    """torchvision's own network where it has one."""
    if arch.startswith("vgg"):
        return getattr(torchvision.models, arch)(init_weights=False)
    if hasattr(torchvision.models, arch):
        return getattr(torchvision.models, arch)()
    return make_resnet(arch, 64, 1000, 1)


def normalised(images, normalization):
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in normalization)
    return (images - mean) / deviation


def randomise(network, seed, normalization):
    """He-initialised weights, batch normalisation calibrated on four photos and then changed at random."""
    generator = torch.Generator().manual_seed(seed)

    def normal(tensor, deviation):
        tensor.normal_(0, deviation, generator=generator)

    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                normal(module.weight, (2 / module.weight[0].numel()) ** 0.5)
                if module.bias is not None:
                    normal(module.bias, 0.1)
        for norm in norms:
            norm.weight.uniform_(0.5, 1.5, generator=generator)
            normal(norm.bias, 0.2)
            norm.momentum = None
        if norms:
            network.train()
            network(normalised(torch.stack([to_tensor(photo(100 + i)) for i in range(4)]), normalization))
        for norm in norms:
            factor = torch.empty_like(norm.running_var).uniform_(0.7, 1.4, generator=generator)
            shift = torch.empty_like(norm.running_mean)
            normal(shift, 0.1)
            norm.running_mean += shift * norm.running_var.sqrt()
            norm.running_var *= factor
    network.eval()


def round_to(network, dtype):
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.to(dtype).float())


def save_safetensors(tensors, path):
    names = {torch.float16: "F16", torch.float32: "F32"}
    header, blobs, offset = {}, [], 0
    for name, tensor in tensors.items():
        if tensor.dtype not in names:
            continue
        blob = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def save(network, dtype, form, normalization, stem):
    """Writes the checkpoint; returns its file name."""
    tensors = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor
               for name, tensor in network.state_dict().items()}
    if form == "safetensors":
        path = stem.with_suffix(".safetensors")
        save_safetensors(tensors, path)
        return path.name
    path = stem.with_suffix(".pt")
    if form == "robustness":
        mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in normalization)
        wrapped = {"module.normalizer.new_mean": mean, "module.normalizer.new_std": deviation,
                   "module.attacker.normalize.new_mean": mean, "module.attacker.normalize.new_std": deviation}
        for prefix in ("module.model.", "module.attacker.model."):
            wrapped.update({prefix + name: tensor for name, tensor in tensors.items()})
        torch.save({"model": wrapped, "epoch": 3, "schedule": None}, path)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=form != "legacy")
    return path.name


def logits_of(network, image, normalization):
    with torch.no_grad():
        values = network(normalised(image, normalization).unsqueeze(0))[0]
    return [float(f"{value:.9g}") for value in values.tolist()]


def answers(network, arch, file, normalization, photos, composites):
    result = {"arch": arch, "file": file, "photos": [], "composites": []}
    for seed in photos:
        logits = logits_of(network, to_tensor(photo(seed)), normalization)
        result["photos"].append({"seed": seed, "logits": logits})
    for foreground, background, x, y, radius in composites:
        inside = torch.from_numpy(mask(x, y, radius))
        image = to_tensor(photo(background)) * (1 - inside) + to_tensor(photo(foreground)) * inside
        result["composites"].append({"foreground": foreground, "background": background, "circle": [x, y, radius],
                                     "logits": logits_of(network, image, normalization)})
    return result


def write_answers(entries, directory):
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    (directory / "answers.json").write_text(f"[\n{lines}\n]\n")


def make_network(network, arch, classes, dtype, form, stem, photos, composites):
    normalization = OWN if form == "robustness" else IN9 if classes == 9 else IMAGENET
    randomise(network, zlib.crc32(stem.name.encode()), normalization)
    round_to(network, dtype)
    file = save(network, dtype, form, normalization, stem)
    return answers(network, arch, file, normalization, photos, composites)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("thin").add_argument("directory", type=pathlib.Path)
    full = commands.add_parser("full")
    full.add_argument("arch")
    full.add_argument("directory", type=pathlib.Path)
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)

    if options.command == "full":
        network = make_full(options.arch)
        large = sum(parameter.numel() for parameter in network.parameters()) > 50_000_000
        dtype = torch.float16 if large else torch.float32
        entries = [make_network(network, options.arch, 1000, dtype, "zip", options.directory / options.arch, (1, 2), ())]
    else:
        entries = [make_network(make_thin(arch, width, classes), arch, classes, dtype, form, options.directory / name,
                                (1, 2), COMPOSITES[:2] if classes > 100 else COMPOSITES)
                   for name, arch, width, classes, dtype, form in THIN]
    write_answers(entries, options.directory)


if __name__ == "__main__":
    main()
