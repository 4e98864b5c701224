/// \file
/// The bottleneck kernel with its warps run one after the other between barriers, and the 32 lanes of a warp
/// in step.
#pragma once

#include <vector>

#include "core/aligned.h"
#include "kernels/cuda_bottleneck_warp.h"
#include "tests/cuda/emulated_tile.h"

namespace backdrop::test {

namespace bottleneck = kernels::bottleneck;

template <class Operands>
class WarpMachine {
 public:
  using Sum = typename Operands::Sum;
  struct Sums {
    LaneSums<Sum> values[2][4];
  };

  template <class Address>
  void begin_rows(const Address& address_of_row) {
    for (int i = 0; i < 2; ++i)
      for (int lane = 0; lane < 32; ++lane)
        rows_[i][lane] = address_of_row(16 * i + lane % 16) + lane / 16 * 16;
  }

  void accumulate(Sums& sums, int byte, const unsigned char* weights) const {
    for (int j = 0; j < 2; ++j) {
      Fragments b;
      for (int lane = 0; lane < 32; ++lane)
        std::memcpy(b[lane].data(), weights + j * bottleneck::kFragmentBytes + lane * 16, 16);
      for (int i = 0; i < 2; ++i) {
        const Fragments a = load_matrices([&](int lane) { return rows_[i][lane] + byte; });
        multiply<Operands>(a, b, 0, sums.values[i][2 * j]);
        multiply<Operands>(a, b, 2, sums.values[i][2 * j + 1]);
      }
    }
  }

  template <class Body>
  void for_each_pair(const Sums& sums, const Body& body) const {
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 4; ++j)
          for (int k = 0; k < 4; k += 2)
            body(16 * i + lane / 4 + 4 * k, 8 * j + lane % 4 * 2, sums.values[i][j][lane][k],
                 sums.values[i][j][lane][k + 1]);
  }

 private:
  const unsigned char* rows_[2][32];
};

template <class Operands, class Arithmetic>
void emulate_bottleneck(const kernels::BottleneckArguments& a) {
  constexpr int kBytes = sizeof(typename Arithmetic::Element);
  const int threads = bottleneck::threads_of(a);
  const bottleneck::Layout layout = bottleneck::layout_of(a, kBytes);
  const int blocks = a.images * bottleneck::blocks_across(a) * bottleneck::blocks_down(a);
  for (int block = 0; block < blocks; ++block) {
    const bottleneck::Place place = bottleneck::place_of_block(a, block);
    AlignedBuffer buffer(layout.bytes);
    auto* memory = reinterpret_cast<unsigned char*>(buffer.data());
    std::memset(memory, 0xff, layout.bytes);
    for (int thread = 0; thread < threads; ++thread)
      bottleneck::load_input(a, layout, place, kBytes, thread, threads, memory, EmulatedCopies());
    WarpMachine<Operands> machine;
    const auto all_warps = [&](const auto& phase) {
      for (int w = 0; w < threads / 32; ++w)
        phase(bottleneck::Warp<WarpMachine<Operands>, Arithmetic>(a, layout, place, w, threads / 32, memory,
                                                                  machine));
    };
    for (int b = 0; b < a.count; ++b) {
      all_warps([&](auto warp) { warp.reduce(b); });
      all_warps([&](auto warp) { warp.convolve(b); });
      all_warps([&](auto warp) { warp.expand(b); });
    }
    for (int thread = 0; thread < threads; ++thread)
      bottleneck::store_output(
          a, layout, place, kBytes, thread, threads, memory,
          [](unsigned char* to, const unsigned char* from) { std::memcpy(to, from, 16); });
  }
}

}  // namespace backdrop::test
