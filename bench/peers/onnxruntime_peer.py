#!/usr/bin/env python3
"""The challenge in ONNX Runtime on the CPU.

The graph takes backgrounds, one foreground and its mask, so that compositing runs inside the engine. Tried: one session
on all threads, and one thread a batch with as many batches at once as there are threads. int8 is ONNX Runtime's static
quantisation.
"""

from concurrent.futures import ThreadPoolExecutor

import onnxruntime

import peer


class Runner:
    def __init__(self, challenge, model, threads, settings):
        self.challenge = challenge
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, threads // settings["streams"])  # 0 is all cores
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.pool = ThreadPoolExecutor(settings["streams"]) if settings["streams"] > 1 else None

    def run_one(self, job):
        foreground, first, count = job
        return self.session.run(None, {"foreground": self.challenge.foregrounds[foreground],
                                       "mask": self.challenge.masks[foreground],
                                       "backgrounds": self.challenge.backgrounds[first:first + count]})[0]

    def __call__(self, jobs):
        return list(self.pool.map(self.run_one, jobs) if self.pool else map(self.run_one, jobs))


def main():
    arguments = peer.parse_arguments(__doc__, ("fp32", "int8"))
    challenge = peer.Challenge(arguments.data_path, *peer.read_normalization(arguments.model))
    candidates = [{"streams": streams, "batch": batch}
                  for streams in sorted({1, arguments.threads})
                  for batch in challenge.batches((4, 16) if arguments.quick else peer.BATCHES[:5])]
    peer.serve(arguments, f"ONNX Runtime {onnxruntime.__version__}", challenge, candidates,
               lambda settings: Runner(challenge, arguments.model, arguments.threads, settings),
               lambda settings: settings["streams"])


if __name__ == "__main__":
    main()
