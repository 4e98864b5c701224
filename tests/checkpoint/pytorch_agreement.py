#!/usr/bin/python3
"""PyTorch's side of the agreement test.

`write FOLDER` saves one random state dict in every way, with `expected.txt` (name, shape) and `expected.bin` (the fp32
values, in that order). `compare FOLDER FILE.safetensors` reads a file that Backdrop wrote and compares all bits.
"""
import json
import pathlib
import struct
import sys
import warnings

import torch


def random_state_dict():
    torch.manual_seed(3)
    net = torch.nn.Sequential()
    net.add_module("conv1", torch.nn.Conv2d(3, 8, 5, bias=False))
    net.add_module("bn1", torch.nn.BatchNorm2d(8))
    net.add_module("fc", torch.nn.Linear(32, 9))
    state = net.state_dict()
    # Exact in bf16 and fp16, so that every file has the same answer.
    return {n: t if t.dtype == torch.int64 else t.bfloat16().half().float() for n, t in state.items()}


def write(folder):
    state = random_state_dict()
    kept = sorted((n, t) for n, t in state.items() if not n.endswith("num_batches_tracked"))
    (folder / "expected.txt").write_text(
        "".join(f"{name} {' '.join(str(size) for size in tensor.shape)}\n" for name, tensor in kept)
    )
    (folder / "expected.bin").write_bytes(b"".join(t.numpy().astype("<f4").tobytes() for _, t in kept))

    def converted(dtype):
        return {n: t if t.dtype == torch.int64 else t.to(dtype) for n, t in state.items()}

    channels_last = {n: t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t for n, t in state.items()}
    parallel = {f"module.{n}": t for n, t in state.items()}
    wrapped = {"model": {f"module.model.{n}": t for n, t in converted(torch.bfloat16).items()}, "epoch": 3}
    contents = {
        "bare": state,
        "half": converted(torch.float16),
        "bfloat": converted(torch.bfloat16),
        "double": converted(torch.float64),
        "channels_last": channels_last,
        "parallel": {"state_dict": parallel},
        "wrapped": wrapped,
        "parameters": {n: torch.nn.Parameter(t, requires_grad=t.is_floating_point()) for n, t in state.items()},
    }
    for name, content in contents.items():
        torch.save(content, folder / f"{name}_zip.pt")
        torch.save(content, folder / f"{name}_legacy.pt", _use_new_zipfile_serialization=False)
    warnings.simplefilter("ignore")
    torch.save(torch.nn.Linear(2, 1), folder / "refused_module.pt", _use_new_zipfile_serialization=False)
    torch.jit.script(torch.nn.Linear(2, 1)).save(str(folder / "refused_torchscript.pt"))


def compare(folder, path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    values = data[8 + length :]
    expected = (folder / "expected.bin").read_bytes()
    for line in (folder / "expected.txt").read_text().splitlines():
        name, *shape = line.split()
        entry = header.pop(name)
        assert entry["dtype"] == "F32" and entry["shape"] == [int(size) for size in shape], name
        first, last = entry["data_offsets"]
        assert values[first:last] == expected[: last - first], name
        expected = expected[last - first :]
    assert not header and not expected


def main():
    if sys.argv[1] == "write":
        write(pathlib.Path(sys.argv[2]))
    else:
        compare(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))


if __name__ == "__main__":
    main()
