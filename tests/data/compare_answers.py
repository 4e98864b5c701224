#!/usr/bin/env python3
"""Does `backdrop challenge` give PyTorch's answers?

Takes a checkpoint, a tar archive of an IN-9 tree and PyTorch's answers for some foregrounds of it, an .npz with
`logits` [F][B][classes], `fg` and `bg` (paths inside the tree) and `fg_class`. Builds a tree whose masks are those of
the answers' foregrounds alone, runs the command on all pairs and compares logits and predictions. A prediction may
differ only where PyTorch's two best logits lie within 1e-3 of the largest logit of all.

With --resaved the checkpoint is written again in every other form that Backdrop reads (the legacy format,
safetensors, bfloat16, a bare state dict) and each must give the same bits on a few pairs; bfloat16 has its own
rounded weights and must give the bits of the same weights saved as float32.

Exit status 77 (skipped, in ctest) where the data, numpy or PyTorch is missing.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SKIPPED = 77
TOLERANCE = 1e-3


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


try:
    import numpy as np
except ImportError:
    skip("numpy is not installed")


def data_parser(description):
    """A parser of the options that say what to run and where the photos, weights and answers are."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", required=True, help="the backdrop command")
    parser.add_argument("--data", required=True, type=Path, help="folder with the archive, checkpoint and answers")
    parser.add_argument("--archive", default="mini-in9.tar.gz")
    parser.add_argument("--checkpoint", default="resnet18-in9.pt")
    parser.add_argument("--answers", default="resnet18-in9-answers.npz")
    parser.add_argument("--arch", default="resnet18")
    return parser


def require_data(arguments):
    for name in (arguments.archive, arguments.checkpoint, arguments.answers):
        if not (arguments.data / name).is_file():
            skip(f"{arguments.data / name} is not there")


def parse_arguments():
    parser = data_parser(__doc__)
    parser.add_argument("--every", type=int, default=1 if os.environ.get("BACKDROP_TEST_ALL") else 30, metavar="N",
                        help="take every Nth foreground (default: 1 if BACKDROP_TEST_ALL is set, else 30)")
    parser.add_argument("--precision", default="fp32",
                        help="below fp32 the predictions must still be PyTorch's, the logits need not")
    parser.add_argument("--resaved", action="store_true", help="compare the checkpoint's other forms instead")
    return parser.parse_args()


def unpack(archive, folder):
    """Unpacks the tree and returns its root: the folder that holds `fg_mask`."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    return next(Path(folder).rglob("fg_mask")).parent


def keep_masks(root, wanted):
    for mask in (root / "fg_mask").rglob("*.npy"):
        if mask.relative_to(root).as_posix() not in wanted:
            mask.unlink()
    for folder in (root / "fg_mask" / "val").iterdir():
        if not any(folder.iterdir()):  # a class is left out by its folder
            folder.rmdir()


def keep_backgrounds(root, of_each_class):
    for folder in (root / "only_bg_t" / "val").iterdir():
        for photo in sorted(folder.iterdir())[of_each_class:]:
            photo.unlink()


def run_challenge(arguments, root, checkpoint, results):
    """Logits [F][B][classes] and predictions [F][B] of the command."""
    command = [arguments.command, "challenge", "--arch", arguments.arch, "--checkpoint", str(checkpoint), "--in9",
               "--data-path", str(root), "--mode", "all", "--out", str(results), "--logits", f"{results}.npy", "--quiet",
               "--device", "cpu", "--precision", arguments.precision, "--cache-memory", "512M"]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode == 4:
        skip(f"this processor cannot compute in {arguments.precision}")
    done.check_returncode()
    print("".join(line + "\n" for line in done.stdout.splitlines() if line.startswith("Screened")), end="")
    return np.load(f"{results}.npy"), np.load(results / "predictions.npy")


def compare_with_pytorch(arguments, answers, folder):
    root = unpack(arguments.data / arguments.archive, folder)
    expected = answers["logits"][::arguments.every]
    keep_masks(root, set(answers["fg"][::arguments.every].tolist()))
    logits, predictions = run_challenge(arguments, root, arguments.data / arguments.checkpoint,
                                        Path(folder) / "results")
    if logits.shape != expected.shape or predictions.shape != expected.shape[:2]:
        print(f"failed: logits {logits.shape} and predictions {predictions.shape} for {expected.shape}")
        return False

    largest = np.abs(expected).max()
    ordered = np.sort(expected, axis=2)
    decided = ordered[..., -1] - ordered[..., -2] > TOLERANCE * largest
    different = predictions != expected.argmax(axis=2)
    error = np.abs(logits - expected).max() / largest
    vulnerable = (predictions != answers["fg_class"][::arguments.every, None]).any(axis=1).sum()
    print(f"{different.size} pairs compared, {(different & decided).sum()} different, "
          f"{(different & ~decided).sum()} different on a near tie, {vulnerable} of {len(expected)} foregrounds vulnerable; "
          f"largest logit difference {error:.2e} of the largest logit")
    return not (different & decided).any() and (error <= TOLERANCE or arguments.precision != "fp32")


def write_safetensors(path, tensors):
    """Writes torch tensors in the format of https://github.com/huggingface/safetensors."""
    import json
    import torch

    names = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def resave(source, folder):
    """{form: (file, form whose bits it must equal)} with the same weights in every form."""
    import torch

    content = torch.load(source, map_location="cpu")
    # num_batches_tracked of a 0-d shape cannot be viewed as bytes; Backdrop does not read it.
    wrapped = {name: value for name, value in content["model"].items() if value.dim()}
    bare = {name.removeprefix("module.model."): value for name, value in wrapped.items()
            if name.startswith("module.model.")}
    normalizer = {name.removeprefix("module."): value for name, value in wrapped.items() if "normalizer" in name}
    rounded = {name: value.to(torch.bfloat16) for name, value in bare.items()}
    saved = {"as it is": (source, None)}

    def save(form, content, equals="as it is", **options):
        path = folder / f"{len(saved)}.pt"
        torch.save(content, path, **options)
        saved[form] = (path, equals)

    save("legacy", content, _use_new_zipfile_serialization=False)
    save("float32", {**content, "model": {name: value.float() for name, value in content["model"].items()}})
    save("state_dict, no module.", {"state_dict": {**bare, **normalizer}, "epoch": 1})
    save("bare state dict", bare, "own normalisation left out")
    save("bfloat16", rounded, "bfloat16 widened")
    save("bfloat16 widened", {name: value.float() for name, value in rounded.items()}, None)
    saved["safetensors"] = (folder / "plain.safetensors", "own normalisation left out")
    write_safetensors(folder / "plain.safetensors", bare)
    save("own normalisation left out", {"model": {"module.model." + name: value for name, value in bare.items()}},
         None)
    return saved


def compare_forms(arguments, answers, folder):
    try:
        import torch  # noqa: F401
    except ImportError:
        skip("PyTorch is not installed")
    root = unpack(arguments.data / arguments.archive, folder)
    keep_masks(root, set(answers["fg"][::46].tolist()))
    keep_backgrounds(root, 1)
    forms = resave(arguments.data / arguments.checkpoint, Path(folder))
    logits = {form: run_challenge(arguments, root, path, Path(folder) / f"results of {form}")[0]
              for form, (path, _) in forms.items()}
    good = True
    for form, (_, twin) in forms.items():
        if twin:
            same = np.array_equal(logits[form], logits[twin])
            print(f"{form}: {'the same bits as' if same else 'FAILED: differs from'} {twin}")
            good &= same
    return good


def main():
    arguments = parse_arguments()
    require_data(arguments)
    answers = np.load(arguments.data / arguments.answers)
    compare = compare_forms if arguments.resaved else compare_with_pytorch
    with tempfile.TemporaryDirectory(prefix="backdrop_") as folder:
        sys.exit(0 if compare(arguments, answers, folder) else 1)


if __name__ == "__main__":
    main()
