#!/usr/bin/env python3
"""The challenge in PyTorch on the CPU, as a user who knows it would write it.

Everything decoded once, backgrounds normalised in channels-last order, composites made per batch by one torch.where,
batch normalisation folded, inference mode; the fastest of eager mode, frozen TorchScript and torch.compile with frozen
weights (with max-autotune too, unless --quick), over several batch sizes.
"""

import warnings

import torch
from torch.fx.experimental import optimization

import models
import peer


def make_executor(network, name, example):
    if name == "eager":
        return network
    if name == "frozen":
        return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, example)))
    import torch._inductor.config as inductor
    inductor.freezing = True
    return torch.compile(network, dynamic=False, mode="max-autotune" if name == "autotuned" else "default")


class Runner:
    def __init__(self, challenge, network, precision, settings):
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32

        def tensor(array):
            return torch.from_numpy(array).to(self.dtype).contiguous(memory_format=torch.channels_last)

        self.masks = [torch.from_numpy(mask) for mask in challenge.masks]
        self.foregrounds = [tensor(photo) for photo in challenge.foregrounds]
        self.backgrounds = tensor(challenge.backgrounds)
        network = network.to(self.dtype).to(memory_format=torch.channels_last).eval()
        self.network = make_executor(network, settings["executor"], self.composites(0, 0, settings["batch"]))

    def composites(self, foreground, first, count):
        return torch.where(self.masks[foreground], self.foregrounds[foreground], self.backgrounds[first:first + count])

    def __call__(self, jobs):
        with torch.inference_mode():
            return [self.network(self.composites(*job)).float().numpy() for job in jobs]


def candidates(challenge, quick):
    """Compiling takes minutes a candidate where weights are large: fewer batch sizes, and autotuning one alone."""
    sizes = {"eager": peer.BATCHES[1:], "frozen": peer.BATCHES[1:], "compiled": (8, 16, 32), "autotuned": (16,)}
    if quick:
        sizes = {"frozen": (4, 16), "compiled": (16,)}
    return [{"executor": name, "batch": batch} for name, wanted in sizes.items()
            if name in ("eager", "frozen") or hasattr(torch, "compile") for batch in challenge.batches(wanted)]


def main():
    arguments = peer.parse_arguments(__doc__, ("fp32", "bf16"))
    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    model = models.load_checkpoint(arguments.arch, arguments.model)
    challenge = peer.Challenge(arguments.data_path, model.mean.numpy(), model.deviation.numpy())
    with torch.no_grad():
        network = optimization.fuse(model.network).eval()

        def open_runner(settings):
            return Runner(challenge, network, arguments.precision, settings)

        peer.serve(arguments, f"PyTorch {torch.__version__}", challenge, candidates(challenge, arguments.quick), open_runner)


if __name__ == "__main__":
    main()
