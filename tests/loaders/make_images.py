#!/usr/bin/env python3
"""Writes the small images of data/ and data/golden.txt: what PIL's convert('RGB') reads from each of them.

    tests/loaders/make_images.py

golden.txt has one line an image: name, width, height, SHA-256 of the RGB bytes.
"""
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / "data"


def picture(width, height):
    """Smooth colours with hard edges and noise, so that every way to upsample chroma differs."""
    y, x = np.mgrid[0:height, 0:width]
    random = np.random.default_rng(7)
    channels = np.stack([x * 255 / width, y * 255 / height, 127 + 127 * np.sin((x + 2 * y) / 3)], axis=-1)
    channels[height // 3 : height // 2, width // 4 : width // 2] = (250, 20, 40)
    return Image.fromarray(np.clip(channels + random.normal(0, 9, channels.shape), 0, 255).astype(np.uint8))


def jpegs():
    rgb = picture(37, 29)
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        rgb.save(FOLDER / f"rgb_{name}.jpg", quality=90, subsampling=subsampling)
    rgb.save(FOLDER / "progressive_420.jpg", quality=85, subsampling=2, progressive=True)
    rgb.save(FOLDER / "progressive_444.jpg", quality=85, subsampling=0, progressive=True)
    picture(1, 1).save(FOLDER / "one_pixel.jpg", quality=95)
    picture(17, 3).save(FOLDER / "wide_odd.jpg", quality=75)
    rgb.convert("L").save(FOLDER / "grey.jpg", quality=90)
    rotated = Image.Exif()
    rotated[0x0112] = 6
    rgb.save(FOLDER / "exif_rotated.jpg", quality=90, exif=rotated)
    rgb.convert("CMYK").save(FOLDER / "cmyk.jpg", quality=80)


def lossless():
    rgb = picture(21, 13)
    alpha = Image.fromarray((np.arange(21 * 13) % 256).astype(np.uint8).reshape(13, 21))
    rgb.save(FOLDER / "rgb.png")
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    rgba.save(FOLDER / "rgba.png")
    Image.merge("LA", (rgb.convert("L"), alpha)).save(FOLDER / "grey_alpha.png")
    rgb.convert("L").save(FOLDER / "grey.png")
    rgb.convert("1").save(FOLDER / "one_bit.png")
    rgb.quantize(16).save(FOLDER / "palette.png")
    rgb.quantize(16).save(FOLDER / "palette_transparent.png", transparency=3)
    Image.fromarray((np.arange(21 * 13, dtype=np.uint16) * 240).reshape(13, 21)).save(FOLDER / "sixteen_bit.png")
    rgb.save(FOLDER / "rgb.bmp")


def main():
    FOLDER.mkdir(exist_ok=True)
    jpegs()
    lossless()
    lines = []
    for path in sorted(FOLDER.iterdir()):
        if path.name in ("golden.txt", "cmyk.jpg", "sixteen_bit.png"):
            continue
        image = Image.open(path).convert("RGB")
        lines.append(f"{path.name} {image.width} {image.height} {hashlib.sha256(image.tobytes()).hexdigest()}\n")
    (FOLDER / "golden.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
