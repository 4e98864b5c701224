"""Networks for the PyTorch peer: torchvision's, with a checkpoint's weights or seeded random ones."""

import torch
import torchvision

import in9


class Normalized(torch.nn.Module):
    """The network behind the published script's InputNormalize: clamp, then normalise."""

    def __init__(self, network, mean, deviation):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(3, 1, 1))
        self.network = network

    def normalize(self, photos):
        return (photos.clamp(0, 1) - self.mean) / self.deviation

    def forward(self, photos):
        return self.network(self.normalize(photos))


def make_network(arch, classes):
    return getattr(torchvision.models, arch)(num_classes=classes).eval()


def default_normalization(classes):
    if classes == 9:
        return in9.MEAN, in9.DEVIATION
    return in9.IMAGENET_MEAN, in9.IMAGENET_DEVIATION


def load_checkpoint(arch, path):
    """A model with the weights of a checkpoint in the robustness library's wrapping, or of a bare state dict."""
    content = torch.load(path, map_location="cpu")
    state = content.get("model", content.get("state_dict", content))
    state = {name.removeprefix("module."): value for name, value in state.items()}
    weights = {name.removeprefix("model."): value.float() for name, value in state.items()
               if not name.startswith(("normalizer.", "attacker."))}
    # In every network of the list the last tensor is the classifier's bias.
    classes = list(weights.values())[-1].numel()
    mean, deviation = default_normalization(classes)
    if "normalizer.new_mean" in state:
        mean = state["normalizer.new_mean"].float().flatten().tolist()
        deviation = state["normalizer.new_std"].float().flatten().tolist()
    network = make_network(arch, classes)
    network.load_state_dict(weights)
    return Normalized(network, mean, deviation).eval()


def random_model(arch, classes, seed, photos, branch=1.0):
    """A model with seeded random weights whose logits depend on the photo.

    As torchvision initialises them, deep networks answer nearly the same for every photo: weights are drawn by
    He's rule, the statistics of batch normalisation are measured on `photos` ([N][3][H][W] in [0,1]), and the
    classifier is scaled so that logits spread by one. `branch` scales the last normalisation of each residual block.
    """
    torch.manual_seed(seed)
    model = Normalized(make_network(arch, classes), *default_normalization(classes))
    norms = []
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            norms.append(module)
    with torch.inference_mode():
        for module in model.modules():
            if hasattr(module, "downsample"):
                (module.bn3 if hasattr(module, "bn3") else module.bn2).weight.fill_(branch)
        for module in norms:
            module.train()
        model(photos)
        model.eval()
        logits = model(photos)
        last = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
        last.weight /= logits.std(dim=0).mean()
        last.bias.copy_(-logits.mean(dim=0) / logits.std(dim=0).mean())
    return model
