"""Stands for a peer that answers as Backdrop does, whose answers lie beside the model. With 3 foregrounds it
survives one search."""

import json
import shutil
import sys
from pathlib import Path

options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if "--settings" not in options:
    print(json.dumps({"version": "PyTorch 2.1", "settings": {"batch": 4}, "tried": [], "composites_per_second": 10}))
    sys.exit()
shutil.copy(Path(options["--model"]).parent / "fp32-on-1.npy", options["--save-logits"])
print("Loading.\n" + json.dumps({"version": "PyTorch 2.1"}), flush=True)
foregrounds = len(list(Path(options["--data-path"]).glob("fg_mask/val/*/*")))
for _ in sys.stdin:
    print(json.dumps({"composites": 9 * foregrounds, "seconds": 0.5, "peak_memory_bytes": 1 << 20}), flush=True)
    if foregrounds == 3:
        sys.exit("out of memory")
