#!/usr/bin/env python3
"""Writes one network's files for all programs of a comparison, from one checkpoint, into a folder:

    weights.pt           what Backdrop and PyTorch read (seeded random weights if no checkpoint is given)
    network.onnx         what ONNX Runtime and OpenVINO read (bench/peers/onnx_files.py)
    onnxruntime_int8.onnx, openvino_int8.xml    with --int8: their own static quantisation
    normalization.json   mean and deviation of the inputs

Prints one JSON object: what was written, and what was not and why.
"""

import argparse
import json
import logging
import shutil
import sys
from pathlib import Path

import numpy as np
import torch

import in9
import models
import peer

CALIBRATION = 128  # composites


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-path", required=True, help="root of an IN-9 tree: calibration, random statistics")
    parser.add_argument("--arch", required=True)
    parser.add_argument("--checkpoint")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--int8", action="store_true")
    return parser.parse_args()


def load(arguments):
    if arguments.checkpoint:
        shutil.copyfile(arguments.checkpoint, arguments.out / "weights.pt")
    else:
        photos = [in9.read_photo(photo) for photo, _ in in9.spread(in9.list_files(arguments.data_path, "only_bg_t"), 36)]
        model = models.random_model(arguments.arch, 9, 1, torch.from_numpy(np.stack(photos)) / 255)
        torch.save(model.network.state_dict(), arguments.out / "weights.pt")
    return models.load_checkpoint(arguments.arch, arguments.out / "weights.pt")


def calibration_inputs(challenge):
    """One composite a call, foregrounds and backgrounds in turn."""
    for i in range(CALIBRATION):
        foreground, background = i % len(challenge.foregrounds), (7 * i) % len(challenge.backgrounds)
        yield {"backgrounds": challenge.backgrounds[background:background + 1],
               "foreground": challenge.foregrounds[foreground], "mask": challenge.masks[foreground]}


def quantize_for_onnxruntime(challenge, out):
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.inputs = calibration_inputs(challenge)

        def get_next(self):
            return next(self.inputs, None)

    quantization.quantize_static(
        str(out / "network.onnx"), str(out / "onnxruntime_int8.onnx"), Reader(), per_channel=True,
        quant_format=quantization.QuantFormat.QDQ, activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8)


def quantize_for_openvino(challenge, out):
    import nncf
    import openvino
    network = openvino.Core().read_model(out / "network.onnx")
    data = nncf.Dataset(list(calibration_inputs(challenge)))
    quantized = nncf.quantize(network, data, subset_size=CALIBRATION)
    openvino.save_model(quantized, out / "openvino_int8.xml", compress_to_fp16=False)


def main():
    arguments = parse_arguments()
    logging.disable(logging.WARNING)
    report = {"torch": torch.__version__, "skipped": {}}
    with torch.no_grad():
        model = load(arguments)
    values = {"mean": model.mean.flatten().tolist(), "deviation": model.deviation.flatten().tolist()}
    (arguments.out / "normalization.json").write_text(json.dumps(values))

    def attempt(name, work):
        try:
            work()
        except ImportError as error:
            report["skipped"][name] = f"{error.name} is not installed"

    def write_onnx():
        import onnx_files
        onnx_files.write(model, arguments.out / "network.onnx")

    attempt("network.onnx", write_onnx)
    if arguments.int8 and not report["skipped"]:
        challenge = peer.Challenge(arguments.data_path, values["mean"], values["deviation"])
        attempt("onnxruntime_int8.onnx", lambda: quantize_for_onnxruntime(challenge, arguments.out))
        attempt("openvino_int8.xml", lambda: quantize_for_openvino(challenge, arguments.out))
    json.dump(report, sys.stdout)
    print()


if __name__ == "__main__":
    main()
