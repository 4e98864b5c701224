#include "engine/layer_traffic.h"

namespace backdrop {

using kernels::Source;

double least_traffic(const Network& network, const PositionSets& sets, int index,
                     const TrafficOptions& options) {
  const Layer& layer = network.layers[index];
  const std::vector<Source>& input = sets.kinds[layer.input];
  const std::vector<Source>& output = sets.kinds[index + 1];
  const bool tiled = options.tiles && cost_of_layer(network, sets, index).tiled();
  const bool last = index + 1 == first_fully_connected(network);
  const auto read_bytes = static_cast<double>(options.input_bytes);
  const auto written_bytes = static_cast<double>(options.output_bytes);
  std::vector<bool> read(input.size(), false);
  double own = 0;     // bytes for each composite
  double shared = 0;  // bytes for each batch
  for (int p = 0; p < static_cast<int>(output.size()); ++p) {
    if (output[p] != Source::mixed) continue;
    own += (last ? static_cast<double>(options.last_bytes) : written_bytes) * layer.out.channels;
    if (layer.residual >= 0)
      (sets.kinds[layer.residual][p] == Source::foreground ? shared : own) +=
          written_bytes * layer.out.channels;
    for_each_tap(layer, p, [&](int, int position) { read[position] = true; });
  }
  for (std::size_t p = 0; p < read.size(); ++p) {
    if (!read[p]) continue;
    if (input[p] != Source::foreground)
      own += read_bytes * layer.in.channels;
    else if (tiled || layer.kind != LayerKind::convolution)  // elsewhere the start sums stand for them
      shared += read_bytes * layer.in.channels;
  }
  if (own > 0)
    shared += read_bytes * static_cast<double>(layer.weights.size()) +
              sizeof(float) * static_cast<double>(layer.bias.size());
  return own + shared / options.rows;
}

double least_traffic_fully_connected(const Layer& layer, const TrafficOptions& options) {
  const auto element = static_cast<double>(options.last_bytes);
  const double values = element * static_cast<double>(layer.in.size() + layer.out.size());
  const double shared = element * static_cast<double>(layer.weights.size()) +
                        sizeof(float) * static_cast<double>(layer.bias.size());
  return values + shared / options.rows;
}

}  // namespace backdrop
