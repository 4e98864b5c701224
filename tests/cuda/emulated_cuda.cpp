// The kernels of the emulated runtime: each runs at once, on the thread that starts it.
#include "tests/cuda/emulated_cuda.h"

#include <cuda_runtime_api.h>

#include <atomic>
#include <cstring>

#include "kernels/bottleneck_cuda.h"
#include "kernels/composite_cuda.h"
#include "kernels/cudnn_cuda.h"
#include "kernels/decide_cuda.h"
#include "kernels/epilogue_cuda.h"
#include "kernels/position_convolution_cuda.h"
#include "kernels/position_pool_cuda.h"
#include "tests/cuda/emulated_bottleneck.h"
#include "tests/cuda/emulated_runtime.h"
#include "tests/cuda/emulated_tile.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/host_halves.h"

namespace backdrop::test {
namespace {

std::atomic<bool> has_shared_memory = true;
std::atomic<bool> warpgroups_are_broken = false;

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

// By warpgroups or by warps, as the arguments say.
template <class Operands>
void emulate_products(kernels::ConvolutionArguments arguments) {
  if (arguments.warpgroups && warpgroups_are_broken) --arguments.window;
  if (arguments.warpgroups)
    emulate<EmulatedWarpgroupMath<Operands, 64>>(arguments);
  else
    emulate<EmulatedMatrixMath<Operands, 64>>(arguments);
}

}  // namespace

void allow_bottlenecks(bool allowed) {
  has_shared_memory = allowed;
}

void break_warpgroups(bool broken) {
  warpgroups_are_broken = broken;
}

}  // namespace backdrop::test

namespace backdrop::kernels {

cudaError_t position_convolution_cuda(Precision precision, const ConvolutionArguments& arguments,
                                      cudaStream_t stream) {
  if (const cudaError_t status = test::launch(arguments, stream); status != cudaSuccess) return status;
  test::pass_half_milliseconds(arguments.warpgroups ? 1 : 2);
  if (arguments.work.positions == 0) return cudaSuccess;
  if (arguments.window > tile::kMaxWindow || arguments.group_channels % chunk_elements(precision) != 0 ||
      arguments.group_columns % tile::kPieceColumns != 0 ||
      (arguments.warpgroups && !has_warpgroup_products(precision)))
    return cudaErrorInvalidValue;
  switch (precision) {
    case Precision::int8:
      test::emulate_products<test::Int8Operands>(arguments);
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
      test::emulate<test::EmulatedScalarMath<test::HostFloats>>(arguments);
      break;
  }
  return cudaSuccess;
}

bool has_warpgroup_products(Precision precision) {
  return test::compute_capability() == 90 && precision != Precision::fp32 && precision != Precision::tf32;
}

cudaError_t bottleneck_cuda(Precision precision, const BottleneckArguments& arguments, cudaStream_t stream) {
  if (const cudaError_t status = test::launch(arguments, stream); status != cudaSuccess) return status;
  if (!test::has_shared_memory || !bottleneck::can_run(precision, arguments)) return cudaErrorInvalidValue;
  test::pass_half_milliseconds(2);
  if (precision == Precision::int8)
    test::emulate_bottleneck<test::Int8Operands, bottleneck::Int8Arithmetic>(arguments);
  else
    test::emulate_bottleneck<test::FloatOperands<test::HostHalves>,
                             bottleneck::FloatArithmetic<test::HostHalves>>(arguments);
  return cudaSuccess;
}

cudaError_t position_pool_cuda(Precision precision, const PoolArguments& arguments, cudaStream_t stream) {
  if (const cudaError_t status = test::launch(arguments, stream); status != cudaSuccess) return status;
  if (precision == Precision::int8) {
    for (std::int64_t piece = 0; piece < pool_pieces(arguments); ++piece) pool_int8_piece(arguments, piece);
    return cudaSuccess;
  }
  if (precision == Precision::fp8) {
    for (std::int64_t piece = 0; piece < pool_pieces(arguments); ++piece) pool_fp8_piece(arguments, piece);
    return cudaSuccess;
  }
  test::with_elements(precision, [&](auto traits) {
    for (std::int64_t piece = 0; piece < pool_pieces(arguments); ++piece)
      pool_piece<decltype(traits)>(arguments, piece);
  });
  return cudaSuccess;
}

cudaError_t composite_cuda(Precision precision, const CompositeArguments& a, cudaStream_t stream) {
  if (const cudaError_t status = test::launch(a, stream); status != cudaSuccess) return status;
  const int channels = chunk_elements(precision);
  if (needs_calibration(precision)) {
    for (int n = 0; n < a.composites; ++n)
      for (int p = 0; p < a.pixels; ++p) {
        const std::uint32_t words[4] = {composite_word(a, n, p), 0, 0, 0};
        std::memcpy(static_cast<std::uint32_t*>(a.output) + 4 * composite_place(a, n, p), words, 16);
      }
    return cudaSuccess;
  }
  test::with_elements(precision, [&](auto traits) {
    using Element = typename decltype(traits)::Element;
    for (int n = 0; n < a.composites; ++n)
      for (int p = 0; p < a.pixels; ++p) {
        const std::uint8_t* source = composite_source(a, n, p);
        auto* to = static_cast<Element*>(a.output) + composite_place(a, n, p) * channels;
        for (int c = 0; c < channels; ++c)
          to[c] = decltype(traits)::from_float(c < 3 ? a.table[256 * c + source[c]] : 0.0f);
      }
  });
  return cudaSuccess;
}

cudaError_t decide_cuda(const DecideArguments& a, cudaStream_t stream) {
  if (const cudaError_t status = test::launch(a, stream); status != cudaSuccess) return status;
  for (int n = 0; n < a.composites; ++n) {
    PartialDecision partial;
    for (int c = 0; c < a.classes; ++c)
      partial =
          merge(partial, one_logit(a.logits[std::int64_t{n} * a.stride + c], c, a.in9[c] == a.labels[n]));
    a.decisions[n] = finish_decision(partial);
  }
  return cudaSuccess;
}

cudaError_t epilogue_cuda(Precision, const EpilogueArguments&, cudaStream_t) {
  return cudaErrorInvalidValue;
}

// No cuDNN here.
struct Cudnn::State {};
Cudnn::~Cudnn() = default;
std::shared_ptr<Cudnn> Cudnn::open(cudaStream_t, std::string& reason) {
  reason = "emulated";
  return nullptr;
}
std::string Cudnn::version() const {
  return "none";
}
struct CudnnConvolution::State {};
CudnnConvolution::CudnnConvolution(std::shared_ptr<Cudnn>, const ConvolutionShape&, int, Precision,
                                   const void*, const void*, void*, void*, std::size_t) {}
CudnnConvolution::~CudnnConvolution() = default;
bool CudnnConvolution::usable() const {
  return false;
}
bool CudnnConvolution::run(const void*, const void*, void*, void*) const {
  return false;
}

}  // namespace backdrop::kernels
