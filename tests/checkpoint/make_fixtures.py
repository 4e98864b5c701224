#!/usr/bin/python3
"""Writes the fixtures of the checkpoint tests with torch.save: make_fixtures.py FOLDER.

Element i of a tensor with seed s is ((37 * (i + s)) % 61 - 30) / 8: exact in every float type, and the tests compute
the same. Needs PyTorch 1.13 or later and numpy.
"""
import argparse
import collections
import datetime
import pathlib
import sys

import numpy
import torch


def filled(seed, *shape, dtype=torch.float32):
    count = int(numpy.prod(shape))
    values = [((37 * (i + seed)) % 61 - 30) / 8 for i in range(count)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape).to(dtype)


def small_net(dtype=torch.float32):
    return collections.OrderedDict(
        [
            ("conv1.weight", filled(1, 4, 3, 3, 3, dtype=dtype)),
            ("bn1.running_mean", filled(2, 4, dtype=dtype)),
            ("bn1.num_batches_tracked", torch.tensor(7)),
            ("fc.weight", filled(3, 2, 4, dtype=dtype)),
        ]
    )


def views():
    """Tensors that share storages, start inside them and run through them in other orders."""
    base = filled(5, 6, 4)
    return {
        "transposed": base.t(),
        "rows": base[1::2],
        "columns": base[:, 1:3],
        "permuted": filled(6, 2, 3, 4).permute(2, 0, 1),
        "channels_last": filled(7, 2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        "expanded": filled(8, 3, 1).expand(3, 5),
        "scalar": filled(9, 1)[0],
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(filled(10, 2, 2)),
    }


def robustness():
    """What MadryLab's robustness library writes, and what training scripts put beside it."""
    names = small_net()
    model = collections.OrderedDict()
    model["module.normalizer.new_mean"] = torch.tensor([0.5, 0.25, 0.125]).reshape(3, 1, 1)
    model["module.normalizer.new_std"] = torch.tensor([0.25, 0.5, 1.0]).reshape(3, 1, 1)
    model.update(("module.model." + name, tensor) for name, tensor in names.items())
    model["module.attacker.normalize.new_mean"] = torch.zeros(3, 1, 1)
    model.update(("module.attacker.model." + name, tensor) for name, tensor in names.items())
    model._metadata = {"": {"version": 1}}
    weight = torch.nn.Parameter(filled(4, 2, 2))
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
    weight.sum().backward()
    optimizer.step()
    return {
        "model": model,
        "optimizer": optimizer.state_dict(),
        "schedule": {"milestones": collections.Counter([30, 60]), "_step_count": 3},
        "epoch": 90,
        "big": 2**100,
        "negative": -(2**40),
        "accuracy": numpy.float64(0.9375),
        "losses": numpy.arange(3.0),
        "arguments": argparse.Namespace(arch="resnet50", lr=0.1, tags={"a", "b"}),
        "rest": [None, True, (), (1, 2), {3}, frozenset([4]), 1j, b"bytes", bytearray(b"array"), slice(1, 2)],
        "torch": [torch.float16, torch.device("cpu"), torch.Size([1, 2])],
        "folder": pathlib.PurePosixPath("a/b"),
        "time": datetime.datetime(2020, 1, 2),
        "groups": collections.defaultdict(list, {"a": [1]}),
        "cycle": cycle(),
    }


def cycle():
    items = []
    items.append({"self": items})
    return items


def main():
    folder = pathlib.Path(sys.argv[1])
    legacy = {"_use_new_zipfile_serialization": False}
    for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        name = str(dtype).removeprefix("torch.")
        torch.save(small_net(dtype), folder / f"zip_{name}.pt")
        torch.save(small_net(dtype), folder / f"legacy_{name}.pt", **legacy)
    for protocol in (3, 4, 5):
        torch.save(small_net(), folder / f"zip_protocol{protocol}.pt", pickle_protocol=protocol)
        torch.save(small_net(), folder / f"legacy_protocol{protocol}.pt", pickle_protocol=protocol, **legacy)
    for name, content in (("views", views()), ("robustness", robustness())):
        torch.save(content, folder / f"zip_{name}.pt")
        torch.save(content, folder / f"legacy_{name}.pt", **legacy)
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 1)), folder / "zip_module.pt")


if __name__ == "__main__":
    main()
