#include <algorithm>
#include <cmath>

#include "kernels/dot_convolution.h"

namespace backdrop::kernels {
namespace {

// One output channel's weights of one group, [channels][taps], in the stored form.
struct StoredRow {
  std::vector<double> weights;
  float scale = 1.0f;

  StoredRow(Precision precision, const float* from, int channels, int taps, const ValueScale* input,
            const DotScales& scales) {
    if (precision == Precision::int16)
      store_shorts(from, channels, taps, *input, scales.nonnegative);
    else if (precision == Precision::int8)
      store_bytes(from, channels, taps, input);
    else
      for (int i = 0; i < channels * taps; ++i) weights.push_back(sum_of_terms(from[i], scales.terms));
  }

 private:
  static double sum_of_terms(float weight, int terms) {
    const float first = to_float(to_bf16(weight));
    return terms == 1 ? first : double{first} + to_float(to_bf16(weight - first));
  }
  void store_shorts(const float* from, int channels, int taps, const ValueScale& input, bool nonnegative) {
    const int kernel = static_cast<int>(std::lround(std::sqrt(taps)));
    const Int16Weights stored = store_int16({1, 1, channels, 1, kernel}, from, input.scale, nonnegative);
    weights.assign(stored.values.begin(), stored.values.end());
    scale = stored.scale[0];
  }
  void store_bytes(const float* from, int channels, int taps, const ValueScale* input) {
    std::vector<float> row;
    for (int i = 0; i < channels * taps; ++i) row.push_back(from[i] * input[i / taps].scale);
    scale = choose_weight_scale(row.data(), row.size());
    for (const float weight : row)
      weights.push_back(std::clamp(std::nearbyint(weight / scale), -127.0f, 127.0f));
  }
};

float stored_number(Precision stored, const RowPointers& rows, const Tap& tap, int row, int channel) {
  if (stored == Precision::int8) return rows.at<std::uint8_t>(tap, row)[channel];
  if (stored == Precision::int16) return rows.at<std::int16_t>(tap, row)[channel];
  return to_float(rows.at<Bf16>(tap, row)[channel]);
}

// As it is multiplied.
float input_number(Precision precision, const DotScales& scales, const RowPointers& rows, const Tap& tap,
                   int row, int channel) {
  const float stored = stored_number(scales.read.value_or(precision), rows, tap, row, channel);
  return precision == scales.read.value_or(precision) ? stored : to_uint8(stored, scales.input[channel]);
}

}  // namespace

void dot_convolution_reference(Precision precision, const ConvolutionShape& shape, const float* weights,
                               const float* bias, const DotScales& scales, const PositionWork& work, int rows,
                               const RowPointers& input, const RowPointers* residual, const void* starts,
                               int start_stride, DotOutput kind, void* const* output) {
  const bool int8 = precision == Precision::int8;
  const bool integers = precision != Precision::bf16;
  const Precision written = scales.written.value_or(precision);
  const bool bytes = written == Precision::int8;
  const ValueScale added = written == Precision::bf16 ? ValueScale() : scales.residual;
  const int taps = shape.kernel * shape.kernel;
  const int channels = shape.channels / shape.groups;
  const int columns = shape.out_channels / shape.groups;
  for (int k = 0; k < shape.out_channels; ++k) {
    const int channel = k / columns * channels;
    const ValueScale* channel_scales = integers ? &scales.input[channel] : nullptr;
    const StoredRow row(precision, weights + std::size_t(k) * channels * taps, channels, taps, channel_scales,
                        scales);
    for (int p = 0; p < work.positions(); ++p) {
      const int start = work.start.empty() ? -1 : work.start[p];
      const std::ptrdiff_t start_place = std::ptrdiff_t{start} * start_stride + k;
      for (int r = 0; r < rows; ++r) {
        double sum = 0;
        if (start >= 0)
          sum = integers ? static_cast<const std::int32_t*>(starts)[start_place]
                         : static_cast<const float*>(starts)[start_place];
        for (const Tap& tap : work.taps_of(p)) {
          double correction = 0;
          for (int c = 0; c < channels; ++c) {
            const double weight = row.weights[std::size_t(c) * taps + tap.weight];
            sum += weight * input_number(precision, scales, input, tap, r, channel + c);
            if (int8) correction -= weight * static_cast<double>(channel_scales[c].zero);
          }
          sum += std::lround(correction);
        }
        const std::ptrdiff_t place = std::ptrdiff_t{work.output[p]} + k;
        if (kind == DotOutput::sums) {
          if (integers)
            static_cast<std::int32_t*>(output[r])[place] = static_cast<std::int32_t>(sum);
          else
            static_cast<float*>(output[r])[place] = static_cast<float>(sum);
          continue;
        }
        float value = std::fma(static_cast<float>(sum), row.scale, bias[k]);
        if (!work.residual.empty())
          value = std::fma(stored_number(written, *residual, work.residual[p], r, k) - added.zero,
                           added.scale, value);
        value = activate(value, shape.slope);
        if (kind == DotOutput::real)
          static_cast<float*>(output[r])[place] = value;
        else if (bytes)
          static_cast<std::uint8_t*>(output[r])[place] = to_uint8(value, scales.output);
        else if (written == Precision::int16)
          static_cast<std::int16_t*>(output[r])[place] = to_int16(value, scales.output);
        else
          static_cast<Bf16*>(output[r])[place] = to_bf16(value);
      }
    }
  }
}

}  // namespace backdrop::kernels
