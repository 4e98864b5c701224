"""The folder tree of the IN-9 release, read with PIL and numpy alone, and small copies of it for benchmarks."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

MEAN = (0.4717, 0.4499, 0.3837)
DEVIATION = (0.2600, 0.2516, 0.2575)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def list_files(root, variation):
    """(path, label) of every file of a variation, by class, then by name, as the published script reads them."""
    base = Path(root) / variation / "val"
    return [
        (base / name / file, label)
        for label, name in enumerate(sorted(os.listdir(base)))
        for file in sorted(os.listdir(base / name))
    ]


def list_foregrounds(root):
    """(photo, mask, label) of every foreground; a class without any has no folder of masks."""
    photos = Path(root) / "original" / "val"
    classes = sorted(os.listdir(photos))
    return [
        (photos / mask.parent.name / f"{mask.stem}.JPEG", mask, classes.index(mask.parent.name))
        for mask, _ in list_files(root, "fg_mask")
    ]


def read_photo(path):
    """A photo as uint8 [3][H][W]."""
    with Image.open(path) as photo:
        return np.ascontiguousarray(np.asarray(photo.convert("RGB")).transpose(2, 0, 1))


def read_mask(path):
    """A mask as bool [H][W]."""
    return np.load(path) != 0


def spread(files, count):
    """`count` of the files (0: all), the same number of each class as far as there are that many."""
    if not count or count >= len(files):
        return files
    classes = {}
    for file in files:
        classes.setdefault(file[-1], []).append(file)
    chosen = []
    for rank in range(max(map(len, classes.values()))):
        chosen += [members[rank] for members in classes.values() if rank < len(members)]
    return sorted(chosen[:count], key=files.index)


def link_subset(root, target, foregrounds, backgrounds):
    """Builds at `target` a tree of links with so many foregrounds and backgrounds of the tree at `root` (0: all).

    Backgrounds beyond those that there are come again, under other names.
    """
    root = Path(root).resolve()
    chosen = [(photo, mask) for photo, mask, _ in spread(list_foregrounds(root), foregrounds)]
    links = [(file, file.relative_to(root)) for pair in chosen for file in pair]
    photos = list_files(root, "only_bg_t")
    for copy in range(max(1, -(-backgrounds // len(photos)))):
        for photo, _ in spread(photos, backgrounds - copy * len(photos)):
            place = photo.relative_to(root)
            links.append((photo, place.with_name(f"{copy}_{place.name}") if copy else place))
    for variation in ("original", "only_bg_t"):
        for name in sorted(os.listdir(root / variation / "val")):
            (Path(target) / variation / "val" / name).mkdir(parents=True)
    for file, place in links:
        (Path(target) / place).parent.mkdir(parents=True, exist_ok=True)
        (Path(target) / place).symlink_to(file)
