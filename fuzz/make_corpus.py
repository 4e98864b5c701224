#!/usr/bin/env python3
"""Writes the seeds that fuzzing starts from, fuzz/corpus/<target>/: small files, one for each path of a reader.

    fuzz/make_corpus.py

Checkpoints and photos are the fixtures of the tests; masks, safetensors and class maps are written here.
The same sources give the same bytes. Seeds that a run found and that are worth keeping are added by hand and
are left alone: their names start with "found-".
"""
import hashlib
import json
import struct
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
LARGEST = 5000


def write(target, name, content):
    (CORPUS / target).mkdir(parents=True, exist_ok=True)
    (CORPUS / target / name).write_bytes(content)


def checkpoints():
    for path in sorted((ROOT / "tests/checkpoint/fixtures").glob("*.pt")):
        kind = path.name.split("_")[0]
        write(f"{kind}_checkpoint", path.name, path.read_bytes())
        if kind == "zip":
            with zipfile.ZipFile(path) as archive:
                name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
                write("pickle", path.stem.removeprefix("zip_") + ".pkl", archive.read(name))
        else:
            write("pickle", path.stem + ".pkl", path.read_bytes())


def photos():
    for path in sorted((ROOT / "tests/loaders/data").iterdir()):
        if path.suffix in (".jpg", ".png", ".bmp") and path.stat().st_size <= LARGEST:
            write("image", path.name, path.read_bytes())


def npy(header, values, version=1):
    text = header.encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + values


def masks():
    formats = {"b1": "?", "u1": "B", "i2": "h", "i8": "q", "f2": "e", "f4": "f", "f8": "d"}
    pattern = [0, 1, 1, 0, 1, 0]
    for code, item in formats.items():
        for order in "|" if code in ("b1", "u1") else "<>":
            values = struct.pack(("<" if order == "|" else order) + item * len(pattern), *pattern)
            header = f"{{'descr': '{order}{code}', 'fortran_order': False, 'shape': (2, 3), }}\n"
            write("npy_mask", f"{code}{'_big' if order == '>' else ''}.npy", npy(header, values))
    columns = "{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2), }\n"
    write("npy_mask", "fortran.npy", npy(columns, bytes(pattern)))
    for version in (2, 3):
        write("npy_mask", f"version{version}.npy", npy(columns, bytes(pattern), version))
    write("npy_mask", "two.npy", npy(columns, bytes([0, 1, 2, 0, 1, 0])))


def safetensors(tensors, metadata=None):
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (kind, shape, values) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def safetensors_files():
    floats = struct.pack("<6f", *range(6))
    write("safetensors", "floats.safetensors", safetensors({"conv1.weight": ("F32", [2, 3], floats)}))
    sizes = {"F16": 2, "BF16": 2, "F64": 8, "I8": 1, "I16": 2, "I32": 4, "I64": 8, "U8": 1, "BOOL": 1}
    every = {f"layer.{kind}": (kind, [2], bytes(2 * size)) for kind, size in sizes.items()}
    write("safetensors", "types.safetensors", safetensors(every, {"format": "pt", "made by": "hand"}))
    odd = {"module.fc.weight": ("F32", [0, 4], b""), "module.fc.bias": ("F32", [], floats[:4])}
    write("safetensors", "empty_and_scalar.safetensors", safetensors(odd))
    normalizer = {"normalizer.new_mean": ("F32", [3, 1, 1], floats[:12]),
                  "normalizer.new_std": ("F32", [3, 1, 1], floats[12:]), "a": ("F32", [1], floats[:4])}
    write("safetensors", "normalizer.safetensors", safetensors(normalizer))


def class_maps():
    identity = {str(index): index for index in range(9)}
    nested, missing = dict(identity, **{"3": {"a": [1]}}), {"0": -1, "8": 8}
    broken = '{"0": 1, "0": 2, "01": 3, "\\u0031": 1e0, "2": -2, "3": 99999999999999999999}\n'
    for name, value in (("identity", identity), ("none", dict.fromkeys(identity, -1)), ("nested", nested),
                        ("missing", missing)):
        write("class_map", f"{name}.json", json.dumps(value).encode() + b"\n")
    write("class_map", "broken.json", broken.encode())


def digits(content):
    return hashlib.sha256(content).hexdigest().encode()


def journal_header(identity):
    lines = [b"backdrop-journal-2", b"shape 3 4 0 2 8", *(f"{name}={value}".encode() for name, value in identity)]
    text = b"".join(line + b"\n" for line in lines)
    return text + b"sha256 " + digits(text) + b"\n"


def journal_record(number, pieces):
    """`pieces` are (foreground, backgrounds)."""
    pairs = [background for _, backgrounds in pieces for background in backgrounds]
    record = struct.pack("<4sIQQ", b"BLK2", len(pieces), number, len(pairs))
    record += b"".join(struct.pack("<iI", foreground, len(backgrounds)) for foreground, backgrounds in pieces)
    record += struct.pack(f"<{len(pairs)}i", *pairs) + struct.pack("<3q", 0, len(pairs) // 2, number % 2)
    record += struct.pack(f"<{len(pairs)}h", *(b % 9 for b in pairs))
    record += struct.pack(f"<{len(pairs)}f", *(b - 1.5 for b in pairs))
    return record + digits(record)


def journals():
    header = journal_header([("checkpoint sha256", "ab" * 32), ("mode", "all"), ("odd=name", "= =")])
    records = [journal_record(0, [(0, [0, 1])]), journal_record(1, [(0, [2, 3]), (2, [0])]), journal_record(7, [])]
    write("journal", "empty", journal_header([]))
    write("journal", "three_blocks", header + b"".join(records))
    write("journal", "cut_block", header + records[0] + records[1][:-20])
    write("journal", "twice", header + records[0] + records[0])


def runs():
    run = {
        "format": "backdrop-run-1", "identity": {"mode": "all", "data sha256": "cd" * 32},
        "result": {"complete": True, "challenge_accuracy": 0.5},
        "pairs": {"total": 12, "evaluated": 12, "recorded": 12},
        "checkpoint": {"file": "a.pt", "sha256": "ab" * 32, "format": "pytorch-zip", "arch": "resnet18", "classes": 9,
                       "parameters": 11, "macs": 12,
                       "normalization": {"mean": [0.1, 0.2, 0.3], "std": [1, 2, 3], "source": "in9"}},
        "data": {"path": "data", "sha256": "cd" * 32, "foregrounds": 3, "backgrounds": 4},
        "options": {"mode": "all", "order": "plain", "shard": {"index": 1, "count": 1}, "reuse": True,
                    "cache_memory": 0, "allow_partial": False, "class_map": "identity", "class_map_sha256": ""},
        "seconds": {"load": 0.1, "search": 2.5}}
    write("run_json", "whole.json", json.dumps(run, indent=2).encode() + b"\n")
    errors = [{"label": 0, "name": "00_dog", "sample": 4, "quantile": 0.5, "maximum": 1, "bound": None}]
    counts = {"composites": 12, "rechecked": 3, "audited": 1, "wrong": 0}
    seconds = {"calibration_seconds": 0.5, "again_seconds": 0.25}
    screening = {"precision": "int8", "sums": "bf16", **counts, "wrong_share_bound": 0.95, "confidence": 0.95,
                 "safety": 2, "quantile": 0.95, **seconds, "lead_errors": errors,
                 "second": {"precision": "fp16", "composites": 5, "lead_errors": errors}}
    write("run_json", "screened.json", json.dumps(dict(run, screening=screening)).encode() + b"\n")
    wrong = dict(run, identity=["mode"], checkpoint=dict(run["checkpoint"], classes=-1e300, macs="many"))
    write("run_json", "wrong_types.json", json.dumps(wrong).encode() + b"\n")
    write("run_json", "deep.json", b'{"identity":' + b"[" * 500 + b"]" * 500 + b"}\n")


def main():
    for path in CORPUS.glob("*/*"):
        if not path.name.startswith("found-"):
            path.unlink()
    checkpoints()
    photos()
    masks()
    safetensors_files()
    class_maps()
    journals()
    runs()
    seeds = [path for path in CORPUS.glob("*/*")]
    print(f"{len(seeds)} seeds, {sum(path.stat().st_size for path in seeds):,} bytes")


if __name__ == "__main__":
    main()
