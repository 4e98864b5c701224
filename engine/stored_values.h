/// \file
/// In which form each value of a network is stored below fp32.
///
/// What residual blocks add up is read and rounded once a block: in 8 bits its rounding errors add up over
/// the depth of the network, while those of the values inside a block are averaged away in its next layer. On
/// some networks they make nearly all of the error of int8, so that the sums may have 16 bits there.
#pragma once

#include <vector>

#include "kernels/precision.h"
#include "models/network.h"

namespace backdrop {

/// For each value before the first fully connected layer's output. With `wide_sums`, `sums` (bfloat16 on the
/// CPU, fp16 on a GPU) instead of int8 for the sums of blocks, what blocks start from, and all that is
/// computed before the first block.
///
/// A residual has the form of the output that it is added to, and a pool's input that of its output.
std::vector<Precision> stored_values(const Network& network, Precision precision, bool wide_sums,
                                     Precision sums = Precision::bf16);

/// What the fully connected layers read on a GPU whose other values are of this precision, and how they
/// multiply. Beside 8 bits that is bfloat16: what it rounds is small beside 8 bits' errors, and it has fp32's
/// range, in which all values and weights fit. Pools store it; where none comes last, fp32.
Precision tail_form(const Network& network, Precision precision);

/// The form in which layer `index` makes its products, where values are `stored` so: that of its input, but
/// bytes for a 1x1 convolution from a sum in bfloat16 into a block. What that rounds stays in the block, and
/// bytes are multiplied twice as fast; into few channels, storing them takes longer than that saves.
Precision multiplied_as(const Network& network, int index, const std::vector<Precision>& stored);

/// Whether that makes a difference: whether there are residual blocks.
bool has_sums(const Network& network);

/// How many terms the bfloat16 weights of a convolution have (kernels/reduced_value.h). What the first layer
/// and the convolutions beside blocks round is in all sums behind them: on a ResNet-50 it is half of the
/// error of its logits. Two terms are for these, where sums are of few channels: of many, roundings average
/// out.
int weight_terms(const Network& network, int index);

}  // namespace backdrop
