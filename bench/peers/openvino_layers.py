#!/usr/bin/env python3
"""OpenVINO's time of every layer, by its own counters: one batch on each of as many streams as threads.

Prints one JSON object: microseconds a composite by layer name, as Backdrop names layers ("layer1.0.conv1"); what belongs
to no convolution or fully connected layer (pools, reorders, compositing) is under "other".
"""

import json
import re

import openvino

import peer

BATCH = 8
ROUNDS = 12


def layer_of(node, names):
    """The layer whose node OpenVINO's name begins with: fused nodes keep the convolution's name."""
    found = [name for name in names if re.match(re.escape(name) + r"(\W|$)", node)]
    return max(found, key=len) if found else None


def main():
    arguments = peer.parse_arguments(__doc__, ("fp32", "bf16", "int8"))
    challenge = peer.Challenge(arguments.data_path, *peer.read_normalization(arguments.model))
    core = openvino.Core()
    network = core.read_model(arguments.model)
    network.reshape({"backgrounds": [BATCH, *challenge.backgrounds.shape[1:]]})
    names = [node.get_friendly_name() for node in network.get_ordered_ops()
             if node.get_type_name() in ("Add", "Convolution", "MatMul")]
    compiled = core.compile_model(network, "CPU", {
        "INFERENCE_NUM_THREADS": arguments.threads, "NUM_STREAMS": arguments.threads, "PERF_COUNT": True,
        "INFERENCE_PRECISION_HINT": "bf16" if arguments.precision == "bf16" else "f32"})
    requests = [compiled.create_infer_request() for _ in range(arguments.threads)]
    inputs = {"foreground": challenge.foregrounds[0], "mask": challenge.masks[0],
              "backgrounds": challenge.backgrounds[:BATCH]}
    totals = {}
    for turn in range(ROUNDS + 2):
        for request in requests:
            request.start_async(inputs)
        for request in requests:
            request.wait()
        if turn < 2:
            continue
        for entry in requests[0].profiling_info:
            layer = layer_of(entry.node_name, names) if entry.node_type in ("Convolution", "FullyConnected", "MatMul") else None
            name = re.sub(r"/.*", "", layer).replace("_", ".") if layer else "other"
            totals[name] = totals.get(name, 0) + entry.real_time.total_seconds() * 1e6
    share = ROUNDS * BATCH * arguments.threads
    print(json.dumps({name: total / share for name, total in totals.items()}))


if __name__ == "__main__":
    main()
