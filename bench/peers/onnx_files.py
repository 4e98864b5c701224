"""ONNX files of the networks, written from the same weights that every other program reads.

The graph: Where(mask, foreground, backgrounds), then the network with batch normalisation folded. Inputs are normalised
photos.
"""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.fx.experimental import optimization
from torch.fx.passes.shape_prop import ShapeProp


class GraphWriter:
    """ONNX nodes for the modules and functions that the networks of torchvision consist of."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def node(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))

    def weight(self, name, tensor):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(tensor.detach().numpy()), name))
        return name

    def module(self, module, name, inputs, shape):
        kind = type(module).__name__
        if kind == "Conv2d":
            weights = [self.weight(f"{name}.weight", module.weight), self.weight(f"{name}.bias", module.bias)]
            self.node("Conv", [*inputs, *weights], name, kernel_shape=module.kernel_size, strides=module.stride,
                      pads=[*module.padding, *module.padding], dilations=module.dilation, group=module.groups)
        elif kind == "Linear":
            weights = [self.weight(f"{name}.weight", module.weight), self.weight(f"{name}.bias", module.bias)]
            self.node("Gemm", [*inputs, *weights], name, transB=1)
        elif kind == "ReLU":
            self.node("Relu", inputs, name)
        elif kind == "MaxPool2d":
            size, stride, pad = ([value, value] if isinstance(value, int) else list(value)
                                 for value in (module.kernel_size, module.stride, module.padding))
            self.node("MaxPool", inputs, name, kernel_shape=size, strides=stride, pads=pad + pad)
        elif kind == "AdaptiveAvgPool2d" and module.output_size in (1, (1, 1)):
            self.node("GlobalAveragePool", inputs, name)
        elif kind in ("Dropout", "Identity") or (kind == "AdaptiveAvgPool2d" and tuple(shape[2:]) == module.output_size):
            self.node("Identity", inputs, name)
        else:
            raise SystemExit(f"{name}: no ONNX node for {module}")


def write(model, path, size=224):
    """Writes a models.Normalized as an ONNX file."""
    traced = torch.fx.symbolic_trace(optimization.fuse(model.network).eval())
    with torch.no_grad():
        ShapeProp(traced).propagate(torch.zeros(1, 3, size, size))
    modules = dict(traced.named_modules())
    writer = GraphWriter()
    for node in traced.graph.nodes:
        inputs = [value.name for value in node.all_input_nodes]
        function = getattr(node.target, "__name__", node.target)
        if node.op == "placeholder":
            writer.node("Where", ["mask", "foreground", "backgrounds"], node.name)
        elif node.op == "call_module":
            shape = node.all_input_nodes[0].meta["tensor_meta"].shape
            writer.module(modules[node.target], node.name, inputs, shape)
        elif node.op == "output":
            writer.node("Identity", inputs, "logits")
        elif function in ("add", "iadd", "add_"):
            writer.node("Add", inputs, node.name)
        elif function == "flatten":
            writer.node("Flatten", inputs, node.name, axis=1)
        else:
            raise SystemExit(f"{node.name}: no ONNX node for {node.target}")
    photo = ["N", 3, size, size]
    graph = helper.make_graph(
        writer.nodes, "challenge",
        [helper.make_tensor_value_info("backgrounds", TensorProto.FLOAT, photo),
         helper.make_tensor_value_info("foreground", TensorProto.FLOAT, [1, *photo[1:]]),
         helper.make_tensor_value_info("mask", TensorProto.BOOL, [1, 1, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", "classes"])], writer.weights)
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(file)
    onnx.save(file, path)
