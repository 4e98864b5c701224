#!/usr/bin/env python3
"""The loop of the published challenge_eval.py (https://github.com/MadryLab/backgrounds_challenge) in PyTorch.

For every foreground a DataLoader with eight workers over all backgrounds (decoded anew each time, as there), batches of
32, composites in floating point, eager mode, and a stop at the first background that fools the model. Talks as the
other peers do (peer.py), for a few foregrounds: its rate is composites tried per second, decoding included.
"""

import json
import sys
import time

import torch

import in9
import models
import peer

FOREGROUNDS = 2
WORKERS = 8
BATCH = 32


class Backgrounds(torch.utils.data.Dataset):
    """Photos as the published loader gives them: float [3][H][W] in [0,1]."""

    def __init__(self, files):
        self.files = files

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        path, label = self.files[index]
        return torch.from_numpy(in9.read_photo(path)) / 255, label


def fools(model, loader, photo, mask, label):
    """Whether any background fools the model, and how many were tried."""
    tried = 0
    for photos, _ in loader:
        composites = photos * (1 - mask) + mask * photo
        predictions = model(composites).topk(1, 1, True, True)[1][:, 0]
        tried += len(photos)
        if (predictions != label).any().item():
            return True, tried
    return False, tried


def search(model, loader, foregrounds):
    started = time.perf_counter()
    fooled, composites = [], 0
    for photo, mask, label in foregrounds:
        pixels = torch.from_numpy(in9.read_photo(photo)) / 255
        answer, tried = fools(model, loader, pixels, torch.from_numpy(in9.read_mask(mask)).float(), label)
        fooled.append(answer)
        composites += tried
    return {"fooled": fooled, "composites": composites, "seconds": time.perf_counter() - started,
            "peak_memory_bytes": peer.peak_memory()}


def main():
    arguments = peer.parse_arguments(__doc__, ("fp32",))
    torch.set_num_threads(arguments.threads)
    model = models.load_checkpoint(arguments.arch, arguments.model)
    foregrounds = in9.spread(in9.list_foregrounds(arguments.data_path), FOREGROUNDS)
    files = in9.list_files(arguments.data_path, "only_bg_t")
    loader = torch.utils.data.DataLoader(Backgrounds(files), batch_size=BATCH, num_workers=WORKERS)
    if not arguments.settings:
        print(json.dumps({"version": f"PyTorch {torch.__version__}", "tried": [],
                          "settings": {"executor": "eager", "batch": BATCH, "workers": WORKERS}}))
        return
    with torch.no_grad():
        print(json.dumps({"ready": True, "version": f"PyTorch {torch.__version__}", "foregrounds": [str(mask.stem) for _, mask, _ in foregrounds],
                          **search(model, loader, foregrounds)}), flush=True)
        for _ in sys.stdin:
            print(json.dumps(search(model, loader, foregrounds)), flush=True)


if __name__ == "__main__":
    main()
