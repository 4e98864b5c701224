#!/usr/bin/env python3
"""Does a search over numpy arrays give PyTorch's answers? answers_test.py DATA

DATA holds the archive of an IN-9 tree, a checkpoint and PyTorch's logits of all pairs, as tests/data/compare_answers.py
takes them. Photos and masks are read with Pillow and numpy, so that no loader of Backdrop's is involved. Every fifth
foreground is searched over every fifth background, all of them with BACKDROP_TEST_ALL set. Exit status 77 where something
is missing.
"""

import os
import sys
import tarfile
import tempfile
from pathlib import Path

TOLERANCE = 1e-3


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


try:
    import numpy as np
    from PIL import Image
except ImportError as missing:
    skip(f"{missing.name} is not installed")

import backdrop


def read_photos(root, paths):
    return np.stack([np.asarray(Image.open(root / path).convert("RGB")) for path in paths])


def main():
    data = Path(sys.argv[1])
    files = [data / name for name in ("mini-in9.tar.gz", "resnet18-in9.pt", "resnet18-in9-answers.npz")]
    for file in files:
        if not file.exists():
            skip(f"{file.name} is not in the folder of test data")
    archive, checkpoint, answers_file = files
    answers = np.load(answers_file)
    chosen = slice(None, None, 1 if os.environ.get("BACKDROP_TEST_ALL") else 5)
    masks_of = [str(path) for path in answers["fg"][chosen]]
    backgrounds_of = [str(path) for path in answers["bg"][chosen]]
    labels = [int(label) for label in answers["fg_class"][chosen]]
    logits = answers["logits"][chosen, chosen]
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as tar:
            tar.extractall(folder)
        root = next(Path(folder).rglob("fg_mask")).parent
        photos = read_photos(root, [path.replace("fg_mask", "original").replace(".npy", ".JPEG") for path in masks_of])
        masks = np.stack([np.load(root / path) for path in masks_of]).astype(bool)
        backgrounds = read_photos(root, backgrounds_of)
    background_labels = [int(Path(path).parent.name[:2]) for path in backgrounds_of]

    session = backdrop.Session(backdrop.Model.load(checkpoint))
    data = backdrop.SearchData(photos, masks, labels, backgrounds, background_labels)
    found = backdrop.search(session, data)

    expected = logits.argmax(axis=2)
    best = np.sort(logits, axis=2)
    close = best[:, :, -1] - best[:, :, -2] <= TOLERANCE * np.abs(logits).max()
    differing = (found.predictions != expected) & ~close
    right = np.take_along_axis(logits, np.array(labels)[:, None, None], axis=2)[:, :, 0]
    others = logits.copy()
    np.put_along_axis(others, np.broadcast_to(np.array(labels)[:, None, None], (*logits.shape[:2], 1)), -np.inf, axis=2)
    margin_error = np.abs(found.margins - (right - others.max(axis=2))).max()
    print(f"{expected.size} pairs: {int(differing.sum())} predictions differ, {int(close.sum())} too close to tell; "
          f"margins differ by at most {margin_error:.2e}")
    sys.exit(1 if differing.any() or margin_error > 2 * TOLERANCE * np.abs(logits).max() else 0)


main()
