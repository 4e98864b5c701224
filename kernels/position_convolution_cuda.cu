// One kernel for every precision: the copies, the order of the stages and the epilogue are shared; what
// differs is how a stage is multiplied. A version with wgmma and bulk copies would be another Math with its
// own pipeline, over the same Loader addresses and the same finish_piece.
#include "kernels/cuda_element.h"
#include "kernels/position_convolution_cuda.h"

namespace backdrop::kernels {
namespace {

__device__ __forceinline__ unsigned int shared_address(const void* pointer) {
  return static_cast<unsigned int>(__cvta_generic_to_shared(pointer));
}

// Copies 16 bytes to shared memory behind the thread's back; zeros for a null source.
struct CopyAsync {
  const void* readable;  // some address that may be named though nothing is read from it

  __device__ __forceinline__ void operator()(void* destination, const void* source) const {
    const int bytes = source != nullptr ? tile::kChunkBytes : 0;
    const void* from = source != nullptr ? source : readable;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(destination)),
                 "l"(from), "r"(bytes)
                 : "memory");
  }
};

__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits until at most `kPending` of this thread's latest groups of copies are under way.
template <int kPending>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

__device__ __forceinline__ void load_matrices(unsigned int (&to)[4], const void* from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(from))
               : "memory");
}

// An m16n8 product over 32 bytes of inner dimension: sums += a * b.
struct HalfProduct {
  using Traits = HalfElements;
  static __device__ __forceinline__ unsigned int operand(unsigned int word) { return word; }
  static __device__ __forceinline__ void multiply(float (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

struct Bfloat16Product {
  using Traits = Bfloat16Elements;
  static __device__ __forceinline__ unsigned int operand(unsigned int word) { return word; }
  static __device__ __forceinline__ void multiply(float (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

// The fragments of m16n8k8 in fp32 lie in the same bytes as those of m16n8k16 in 16 bits.
struct Tf32Product {
  using Traits = FloatElements;
  static __device__ __forceinline__ unsigned int operand(unsigned int word) {
    unsigned int rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(word)));
    return rounded;
  }
  static __device__ __forceinline__ void multiply(float (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

template <class Product, int kTileColumns>
struct MatrixMath {
  using Traits = typename Product::Traits;
  using Share = tile::WarpShare<kTileColumns>;
  static constexpr int kColumns = kTileColumns;

  float sums[Share::kRowTiles][Share::kColumnTiles][4] = {};

  __device__ __forceinline__ void accumulate(const unsigned char* stage, int thread) {
    const int lane = thread % 32;
    const int row = Share::first_row(thread / 32);
    const int column = Share::first_column(thread / 32);
#pragma unroll
    for (int step = 0; step < Share::kSteps; ++step) {
      unsigned int b[Share::kColumnTiles / 2][4];
#pragma unroll
      for (int j = 0; j < Share::kColumnTiles / 2; ++j) {
        load_matrices(b[j], stage + Share::right_offset(column + 16 * j, step, lane));
#pragma unroll
        for (int k = 0; k < 4; ++k) b[j][k] = Product::operand(b[j][k]);
      }
#pragma unroll
      for (int i = 0; i < Share::kRowTiles; ++i) {
        unsigned int a[4];
        load_matrices(a, stage + Share::left_offset(row + 16 * i, step, lane));
#pragma unroll
        for (int k = 0; k < 4; ++k) a[k] = Product::operand(a[k]);
#pragma unroll
        for (int j = 0; j < Share::kColumnTiles; ++j)
          Product::multiply(sums[i][j], a, b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
      }
    }
  }

  __device__ __forceinline__ void write(float* result, int thread) const {
    const int lane = thread % 32;
    const int row = Share::first_row(thread / 32);
    const int column = Share::first_column(thread / 32);
#pragma unroll
    for (int i = 0; i < Share::kRowTiles; ++i)
#pragma unroll
      for (int j = 0; j < Share::kColumnTiles; ++j)
#pragma unroll
        for (int k = 0; k < 4; k += 2)
          *reinterpret_cast<float2*>(result + Share::result_offset(row + 16 * i, column + 8 * j, k, lane)) =
              make_float2(sums[i][j][k], sums[i][j][k + 1]);
  }
};

struct ExactMath : tile::ScalarMath {
  using Traits = FloatElements;
};

// Block b computes tile b / column tiles of the rows: neighbouring blocks share the rows' activations.
template <class Math>
__global__ void __launch_bounds__(tile::kThreads, 2)
    position_convolution_kernel(const __grid_constant__ ConvolutionArguments a) {
  using Element = typename Math::Traits::Element;
  constexpr int kColumns = Math::kColumns;
  extern __shared__ __align__(16) unsigned char memory[];
  __shared__ std::uint32_t bits[tile::kMaskWords];
  __shared__ std::uint8_t used[tile::kMaxWindow];
  const int thread = static_cast<int>(threadIdx.x);
  const tile::Place place = tile::place_of_block(a, static_cast<int>(blockIdx.x), kColumns);

  if (thread < tile::kMaskWords) bits[thread] = 0;
  __syncthreads();
  const tile::TapRange range = tile::taps_of_tile(a, place);
  for (int t = range.first + thread; t < range.last; t += tile::kThreads) {
    const int weight = a.work.taps[t].weight;
    atomicOr(&bits[weight / 32], 1u << (weight % 32));
  }
  __syncthreads();
  if (thread < tile::kMaxWindow && tile::uses(bits, thread))
    used[tile::rank_of(bits, thread)] = static_cast<std::uint8_t>(thread);
  __syncthreads();

  tile::Loader<Element, kColumns> loader(a, place, thread, used, tile::rank_of(bits, tile::kMaxWindow));
  const int steps = loader.steps();
  const CopyAsync copy{a.weights};
  constexpr int kStageBytes = tile::stage_bytes(kColumns);
#pragma unroll
  for (int stage = 0; stage < tile::kStages - 1; ++stage) {
    if (stage < steps) loader.load(memory + stage * kStageBytes, copy);
    commit_copies();
  }
  Math math;
  for (int step = 0; step < steps; ++step) {
    // Of the groups committed so far, kStages - 1 + step, the first step + 1 must have arrived. The barrier
    // also says that every thread is done with the stage that is filled next.
    wait_for_copies<tile::kStages - 2>();
    __syncthreads();
    const int next = step + tile::kStages - 1;
    if (next < steps) loader.load(memory + next % tile::kStages * kStageBytes, copy);
    commit_copies();
    math.accumulate(memory + step % tile::kStages * kStageBytes, thread);
  }
  wait_for_copies<0>();
  __syncthreads();

  float* result = reinterpret_cast<float*>(memory);
  math.write(result, thread);
  __syncthreads();
  constexpr int kPieces = tile::kRows * kColumns / tile::kPieceColumns;
  for (int piece = thread; piece < kPieces; piece += tile::kThreads)
    tile::finish_piece<typename Math::Traits, kColumns>(a, place, result, piece);
}

template <class Math>
cudaError_t launch(ConvolutionArguments arguments, cudaStream_t stream) {
  constexpr int kBytes = tile::shared_bytes(Math::kColumns);
  arguments.group_tiles = (arguments.group_columns + Math::kColumns - 1) / Math::kColumns;
  const std::int64_t rows = static_cast<std::int64_t>(arguments.work.positions) * arguments.rows;
  const std::int64_t blocks =
      (rows + tile::kRows - 1) / tile::kRows * arguments.groups * arguments.group_tiles;
  if (blocks == 0) return cudaSuccess;
  if (blocks > INT32_MAX || rows > INT32_MAX - tile::kRows) return cudaErrorInvalidValue;
  const cudaError_t allowed = cudaFuncSetAttribute(position_convolution_kernel<Math>,
                                                   cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  if (allowed != cudaSuccess) return allowed;
  position_convolution_kernel<Math>
      <<<static_cast<unsigned int>(blocks), tile::kThreads, kBytes, stream>>>(arguments);
  return cudaGetLastError();
}

template <class Product>
cudaError_t launch_matrix(const ConvolutionArguments& arguments, cudaStream_t stream) {
  if (arguments.group_columns > 64) return launch<MatrixMath<Product, 128>>(arguments, stream);
  return launch<MatrixMath<Product, 64>>(arguments, stream);
}

}  // namespace

cudaError_t position_convolution_cuda(Precision precision, const ConvolutionArguments& arguments,
                                      cudaStream_t stream) {
  if (arguments.window > tile::kMaxWindow || arguments.group_channels % chunk_elements(precision) != 0 ||
      arguments.group_columns % tile::kPieceColumns != 0)
    return cudaErrorInvalidValue;
  switch (precision) {
    case Precision::tf32:
      return launch_matrix<Tf32Product>(arguments, stream);
    case Precision::fp16:
      return launch_matrix<HalfProduct>(arguments, stream);
    case Precision::bf16:
      return launch_matrix<Bfloat16Product>(arguments, stream);
    case Precision::int8:
      return cudaErrorInvalidValue;
    case Precision::fp32:
      break;
  }
  return launch<ExactMath>(arguments, stream);
}

}  // namespace backdrop::kernels
