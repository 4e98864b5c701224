#!/usr/bin/env python3
"""Extracts every STRIDE-th photo of a .tar.gz into FOLDER and prints what PIL reads from it.

    photos_by_pil.py ARCHIVE FOLDER STRIDE

One line a photo: file name, width, height, SHA-256 of the RGB bytes.
"""
import hashlib
import io
import sys
import tarfile
from pathlib import Path

from PIL import Image


def main():
    archive, folder, stride = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    count = 0
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.name.endswith(".JPEG"):
                continue
            count += 1
            if count % stride:
                continue
            content = tar.extractfile(member).read()
            name = f"{count}.JPEG"
            (folder / name).write_bytes(content)
            image = Image.open(io.BytesIO(content)).convert("RGB")
            print(name, image.width, image.height, hashlib.sha256(image.tobytes()).hexdigest())


if __name__ == "__main__":
    main()
