// The kernels of the emulated runtime: each runs on the thread that starts it, or that launches its graph.
#include "tests/cuda/emulated_cuda.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "kernels/bottleneck_cuda.h"
#include "kernels/composite_cuda.h"
#include "kernels/decide_cuda.h"
#include "kernels/position_convolution_cuda.h"
#include "kernels/position_pool_cuda.h"
#include "tests/cuda/emulated_bottleneck.h"
#include "tests/cuda/emulated_runtime.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/host_halves.h"
#include "tests/cuda/plain_products.h"

namespace backdrop::test {
namespace {

std::atomic<bool> has_shared_memory = true;
std::atomic<bool> other_products_are_broken = false;
std::atomic<bool> bottlenecks_are_broken = false;
std::atomic<bool> clusters_are_refused = false;

// Calls `body` with the host's elements of a precision.
template <class Body>
void with_elements(Precision precision, const Body& body) {
  if (precision == Precision::fp16)
    body(HostHalves());
  else if (precision == Precision::bf16)
    body(HostBfloat16s());
  else
    body(HostFloats());
}

// Of a block, in bytes: CUDA's programming guide, "Technical Specifications per Compute Capability".
int most_shared_bytes() {
  switch (compute_capability()) {
    case 80:
      return 163 << 10;
    case 90:
      return 227 << 10;
    default:
      return 99 << 10;
  }
}

template <class Operands>
void emulate_products(kernels::ConvolutionArguments arguments) {
  if (arguments.products != kernels::Products::warps && other_products_are_broken)
    arguments.rows = std::max(1, arguments.rows - 1);
  PlainProducts<Operands>(arguments).run();
}

}  // namespace

void allow_bottlenecks(bool allowed) {
  has_shared_memory = allowed;
}

void break_other_products(bool broken) {
  other_products_are_broken = broken;
}

void break_bottlenecks(bool broken) {
  bottlenecks_are_broken = broken;
}

void refuse_clusters(bool refused) {
  clusters_are_refused = refused;
}

}  // namespace backdrop::test

namespace backdrop::kernels {

namespace {

void convolve(Precision precision, const ConvolutionArguments& arguments) {
  switch (arguments.products) {
    case Products::clusters:
      test::pass_quarter_milliseconds(1);
      break;
    case Products::warpgroups:
    case Products::split_warpgroups:
      test::pass_quarter_milliseconds(2);
      break;
    case Products::split:
      test::pass_quarter_milliseconds(3);
      break;
    case Products::warps:
      test::pass_quarter_milliseconds(4);
      break;
  }
  if (arguments.work.positions == 0) return;
  switch (precision) {
    case Precision::int8:
      test::emulate_products<test::Int8OperandsBeside<test::HostHalves>>(arguments);
      break;
    case Precision::fp8:
      test::emulate_products<test::Fp8Operands>(arguments);
      break;
    case Precision::fp16:
      test::emulate_products<test::FloatOperands<test::HostHalves>>(arguments);
      break;
    case Precision::bf16:
      test::emulate_products<test::FloatOperands<test::HostBfloat16s>>(arguments);
      break;
    case Precision::int16:  // the CPU's alone
    case Precision::fp32:
    case Precision::tf32:
      test::emulate_products<test::FloatOperands<test::HostFloats>>(arguments);
      break;
  }
}

void pool(Precision precision, const PoolArguments& arguments) {
  if (precision == Precision::int8) {
    for (std::int64_t piece = 0; piece < pool_pieces(arguments); ++piece)
      pool_int8_piece<test::HostBfloat16s>(arguments, piece);
    return;
  }
  if (precision == Precision::fp8) {
    for (std::int64_t piece = 0; piece < pool_pieces(arguments); ++piece)
      pool_fp8_piece<test::HostBfloat16s>(arguments, piece);
    return;
  }
  test::with_elements(precision, [&](auto traits) {
    for (std::int64_t piece = 0; piece < pool_pieces(arguments); ++piece)
      pool_piece<decltype(traits), test::HostBfloat16s>(arguments, piece);
  });
}

void composite(Precision precision, const CompositeArguments& a) {
  if (needs_calibration(precision)) {
    for (int n = 0; n < a.composites; ++n)
      for (int p = 0; p < a.pixels; ++p)
        static_cast<std::uint32_t*>(a.output)[composite_place(a, n, p)] = composite_word(a, n, p);
    return;
  }
  test::with_elements(precision, [&](auto traits) {
    using Element = typename decltype(traits)::Element;
    for (int n = 0; n < a.composites; ++n)
      for (int p = 0; p < a.pixels; ++p) {
        const std::uint8_t* source = composite_source(a, n, p);
        auto* to = static_cast<Element*>(a.output) + composite_place(a, n, p) * kPixelChannels;
        for (int c = 0; c < kPixelChannels; ++c)
          to[c] = decltype(traits)::from_float(c < 3 ? a.table[256 * c + source[c]] : 0.0f);
      }
  });
}

}  // namespace

cudaError_t position_convolution_cuda(Precision precision, const ConvolutionArguments& arguments,
                                      cudaStream_t stream) {
  if (arguments.work.positions != 0 &&
      (!can_convolve(precision, arguments) || !has_products(precision, arguments.products)))
    return cudaErrorInvalidValue;
  if (arguments.products == Products::clusters && test::clusters_are_refused)
    return cudaErrorInvalidConfiguration;
  return test::launch(arguments, stream, [=] { convolve(precision, arguments); });
}

bool has_products(Precision precision, Products products) {
  if (products == Products::warps) return true;
  if (is_split(products) != (precision == Precision::fp32)) return false;
  return products == Products::split || (test::compute_capability() == 90 && precision != Precision::tf32);
}

cudaError_t bottleneck_cuda(Precision precision, const BottleneckArguments& arguments, cudaStream_t stream) {
  if (!test::has_shared_memory || !bottleneck::can_run(precision, arguments)) return cudaErrorInvalidValue;
  const auto element = static_cast<int>(element_bytes(precision));
  if (bottleneck::layout_of(arguments, element).bytes > test::most_shared_bytes())
    return cudaErrorInvalidValue;
  return test::launch(arguments, stream, [=] {
    test::pass_quarter_milliseconds(4);
    BottleneckArguments done = arguments;
    if (test::bottlenecks_are_broken) --done.images;
    if (precision == Precision::int8)
      test::emulate_bottleneck<test::Int8Operands, bottleneck::Int8Arithmetic>(done);
    else
      test::emulate_bottleneck<test::FloatOperands<test::HostHalves>,
                               bottleneck::FloatArithmetic<test::HostHalves>>(done);
  });
}

cudaError_t position_pool_cuda(Precision precision, const PoolArguments& arguments, cudaStream_t stream) {
  return test::launch(arguments, stream, [=] { pool(precision, arguments); });
}

cudaError_t composite_cuda(Precision precision, const CompositeArguments& arguments, cudaStream_t stream) {
  return test::launch(arguments, stream, [=] { composite(precision, arguments); });
}

cudaError_t decide_cuda(const DecideArguments& a, cudaStream_t stream) {
  return test::launch(a, stream, [=] {
    test::count_composites(a.composites);
    for (int n = 0; n < a.composites; ++n) {
      PartialDecision partial;
      for (int c = 0; c < a.classes; ++c)
        partial =
            merge(partial, one_logit(a.logits[std::int64_t{n} * a.stride + c], c, a.in9[c] == a.labels[n]));
      a.decisions[n] = finish_decision(partial);
    }
  });
}

}  // namespace backdrop::kernels
