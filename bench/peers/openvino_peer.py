#!/usr/bin/env python3
"""The challenge in OpenVINO on the CPU.

The graph takes backgrounds, one foreground and its mask, so that compositing runs inside the engine. Tried: the latency
hint (one batch on all threads) and the throughput hint (as many batches at once as OpenVINO wants). fp32 is asked for by
name; bf16 likewise (OpenVINO's own default where the processor has it); int8 is NNCF's static quantisation.
"""

import openvino

import peer


class Runner:
    def __init__(self, challenge, model, threads, precision, settings):
        self.challenge = challenge
        core = openvino.Core()
        network = core.read_model(model)
        network.reshape({"backgrounds": [settings["batch"], *challenge.backgrounds.shape[1:]]})
        compiled = core.compile_model(network, "CPU", {
            "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": settings["hint"],
            "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}.get(precision, "f32")})
        self.queue = openvino.AsyncInferQueue(compiled)
        self.queue.set_callback(self.keep)
        self.logits = []

    def keep(self, request, place):
        self.logits[place] = request.get_output_tensor(0).data.copy()

    def __call__(self, jobs):
        self.logits = [None] * len(jobs)
        for place, (foreground, first, count) in enumerate(jobs):
            self.queue.start_async({"foreground": self.challenge.foregrounds[foreground],
                                    "mask": self.challenge.masks[foreground],
                                    "backgrounds": self.challenge.backgrounds[first:first + count]}, place,
                                   share_inputs=True)
        self.queue.wait_all()
        return self.logits


def main():
    arguments = peer.parse_arguments(__doc__, ("fp32", "bf16", "int8"))
    challenge = peer.Challenge(arguments.data_path, *peer.read_normalization(arguments.model))
    candidates = [{"hint": hint, "batch": batch} for hint in ("THROUGHPUT", "LATENCY")
                  for batch in challenge.batches((1, 8) if arguments.quick else peer.BATCHES[:5])]
    peer.serve(arguments, f"OpenVINO {openvino.__version__.split('-')[0]}", challenge, candidates,
               lambda settings: Runner(challenge, arguments.model, arguments.threads, arguments.precision, settings),
               lambda settings: 2 * arguments.threads if settings["hint"] == "THROUGHPUT" else 1)


if __name__ == "__main__":
    main()
