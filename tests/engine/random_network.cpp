#include "tests/engine/random_network.h"

#include <cmath>
#include <random>
#include <stdexcept>

#include "tests/kernels/random_values.h"

namespace backdrop::test {
namespace {

// Appends layers with random weights; each call returns the number of the value it adds.
class NetworkMaker {
 public:
  NetworkMaker(int size, unsigned seed) : generator_(seed) {
    network_.arch = "random";
    network_.normalization = {{.4717f, .4499f, .3837f}, {.2600f, .2516f, .2575f}};
    network_.input = {size, size, 3};
  }

  std::mt19937& generator() { return generator_; }
  const ValueShape& shape(int value) const { return network_.shape(value); }

  int convolution(int input, int channels, int kernel, int stride, int groups, Activation activation,
                  int residual = -1) {
    Layer layer = start(LayerKind::convolution, input);
    layer.kernel = kernel;
    layer.stride = stride;
    layer.padding = kernel / 2;
    layer.groups = groups;
    layer.residual = residual;
    layer.activation = activation;
    layer.out = {window(layer.in.height, layer), window(layer.in.width, layer), channels};
    draw_weights(layer, layer.in.channels / groups * kernel * kernel);
    return add(std::move(layer));
  }

  int max_pool(int input, int kernel, int stride, int padding) {
    Layer layer = start(LayerKind::max_pool, input);
    layer.kernel = kernel;
    layer.stride = stride;
    layer.padding = padding;
    layer.out = {window(layer.in.height, layer), window(layer.in.width, layer), layer.in.channels};
    return add(std::move(layer));
  }

  int average_pool(int input) {
    Layer layer = start(LayerKind::average_pool, input);
    layer.out = {1, 1, layer.in.channels};
    return add(std::move(layer));
  }

  int fully_connected(int input, int outputs, Activation activation) {
    Layer layer = start(LayerKind::fully_connected, input);
    layer.activation = activation;
    layer.out = {1, 1, outputs};
    draw_weights(layer, static_cast<int>(layer.in.size()));
    return add(std::move(layer));
  }

  std::shared_ptr<const Network> finish() { return std::make_shared<const Network>(std::move(network_)); }

 private:
  Layer start(LayerKind kind, int input) const {
    Layer layer;
    layer.name = "layer" + std::to_string(network_.layers.size());
    layer.kind = kind;
    layer.input = input;
    layer.in = network_.shape(input);
    return layer;
  }

  static int window(int size, const Layer& layer) {
    return (size + 2 * layer.padding - layer.kernel) / layer.stride + 1;
  }

  void draw_weights(Layer& layer, int inputs) {
    std::normal_distribution<float> normal(0.0f, std::sqrt(2.0f / static_cast<float>(inputs)));
    layer.weights.resize(std::size_t(layer.out.channels) * inputs);
    for (float& weight : layer.weights) weight = normal(generator_);
    layer.bias.resize(layer.out.channels);
    for (float& bias : layer.bias) bias = 0.1f * normal(generator_);
  }

  int add(Layer layer) {
    network_.layers.push_back(std::move(layer));
    return static_cast<int>(network_.layers.size());
  }

  Network network_;
  std::mt19937 generator_;
};

}  // namespace

std::shared_ptr<const Network> random_residual_network(int size, unsigned seed) {
  NetworkMaker maker(size, seed);
  auto& generator = maker.generator();
  const Activation activation = seed % 3 == 0 ? Activation::leaky_relu : Activation::relu;
  int x = maker.convolution(0, random_int(3, 20, generator), random_int(0, 1, generator) * 4 + 3,
                            random_int(1, 2, generator), 1, activation);
  if (random_int(0, 1, generator) == 1) x = maker.max_pool(x, 3, 2, 1);
  const int blocks = random_int(1, 4, generator);
  for (int block = 0; block < blocks; ++block) {
    const int stride = random_int(1, 2, generator);
    const int groups = random_int(0, 2, generator) == 0 ? 4 : 1;
    const int width = 4 * random_int(1, 6, generator);
    const int channels = random_int(3, 40, generator);
    const int identity = maker.convolution(x, channels, 1, stride, 1, Activation::none);
    int y = maker.convolution(x, width, 1, 1, 1, activation);
    y = maker.convolution(y, width, 3, stride, groups, activation);
    x = maker.convolution(y, channels, 1, 1, 1, activation, identity);
  }
  x = maker.average_pool(x);
  maker.fully_connected(x, kClasses, Activation::none);
  return maker.finish();
}

std::shared_ptr<const Network> random_plain_network(int size, unsigned seed) {
  NetworkMaker maker(size, seed);
  auto& generator = maker.generator();
  int x = 0;
  const int stages = random_int(1, 3, generator);
  for (int stage = 0; stage < stages; ++stage) {
    const int depth = random_int(1, 2, generator);
    for (int i = 0; i < depth; ++i)
      x = maker.convolution(x, random_int(3, 30, generator), 3, 1, 1, Activation::relu);
    if (maker.shape(x).height >= 2) x = maker.max_pool(x, 2, 2, 0);
  }
  x = maker.fully_connected(x, random_int(5, 40, generator), Activation::relu);
  maker.fully_connected(x, kClasses, Activation::none);
  return maker.finish();
}

std::shared_ptr<const Network> wide_network(int size) {
  NetworkMaker maker(size, 3);
  const int first = maker.convolution(0, 128, 3, 1, 1, Activation::relu);
  int x = maker.convolution(first, 136, 3, 1, 1, Activation::relu);
  x = maker.convolution(x, 256, 3, 1, 8, Activation::relu);
  x = maker.convolution(x, 128, 1, 1, 1, Activation::relu, first);
  maker.fully_connected(maker.average_pool(x), kClasses, Activation::none);
  return maker.finish();
}

std::vector<std::shared_ptr<const Network>> unusual_residual_networks(int size) {
  constexpr Activation kRelu = Activation::relu;
  constexpr Activation kLeaky = Activation::leaky_relu;
  constexpr int kWidth = 12;
  std::vector<std::shared_ptr<const Network>> networks;
  const auto make = [&](Activation activation, const auto& add_blocks) {
    NetworkMaker maker(size, static_cast<unsigned>(networks.size()));
    const int x = add_blocks(maker, maker.convolution(0, kWidth, 3, 1, 1, activation));
    maker.fully_connected(x, kClasses, Activation::none);
    networks.push_back(maker.finish());
  };
  make(kLeaky, [&](NetworkMaker& maker, int x) {
    for (int block = 0; block < 2; ++block) {
      const int y = maker.convolution(x, 8, 1, 1, 1, kRelu);
      x = maker.convolution(maker.convolution(y, 8, 3, 1, 4, kRelu), kWidth, 1, 1, 1, kLeaky, x);
    }
    return maker.average_pool(x);
  });
  make(kRelu, [&](NetworkMaker& maker, int x) {
    const int y = maker.convolution(x, 20, 3, 2, 1, kLeaky);
    return maker.convolution(y, kWidth, 3, 1, 1, kLeaky, maker.max_pool(x, 3, 2, 1));
  });
  make(kRelu, [&](NetworkMaker& maker, int x) {
    const int y = maker.max_pool(maker.convolution(x, 20, 3, 1, 1, kRelu), 3, 1, 1);
    x = maker.max_pool(maker.convolution(y, kWidth, 1, 1, 1, kRelu, x), 2, 2, 0);
    x = maker.max_pool(maker.convolution(x, 20, 3, 1, 1, kRelu), 3, 1, 1);
    return maker.max_pool(maker.convolution(maker.convolution(x, 8, 3, 1, 1, kRelu), 20, 1, 1, 1, kRelu, x),
                          2, 2, 0);
  });
  make(kLeaky, [&](NetworkMaker& maker, int x) {
    const int beside = maker.convolution(0, 24, 5, 1, 1, Activation::none);
    const int sum = maker.convolution(maker.convolution(x, 20, 3, 1, 1, kRelu), 24, 3, 1, 1, kLeaky, beside);
    return maker.average_pool(
        maker.convolution(maker.convolution(sum, 16, 3, 2, 4, kRelu), 20, 1, 1, 1, kRelu));
  });
  return networks;
}

const std::vector<std::string>& mask_names() {
  static const std::vector<std::string> names{"empty", "full",   "pixel",        "left",  "right",
                                              "top",   "bottom", "checkerboard", "noise", "disc"};
  return names;
}

Mask make_mask(const std::string& name, int size, unsigned seed) {
  std::mt19937 generator(seed);
  const int px = random_int(0, size - 1, generator);
  const int py = random_int(0, size - 1, generator);
  const auto inside = [&](int y, int x) -> bool {
    if (name == "empty") return false;
    if (name == "full") return true;
    if (name == "pixel") return y == py && x == px;
    if (name == "left") return x < size / 3;
    if (name == "right") return x >= size - size / 3;
    if (name == "top") return y < size / 3;
    if (name == "bottom") return y >= size - size / 3;
    if (name == "checkerboard") return (y + x) % 2 == 0;
    if (name == "noise") return random_int(0, 3, generator) == 0;
    if (name == "disc") return (y - py) * (y - py) + (x - px) * (x - px) < size * size / 9;
    throw std::invalid_argument(name);
  };
  Mask mask{size, size, {}};
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) mask.values.push_back(inside(y, x) ? 1 : 0);
  return mask;
}

Image random_image(int size, unsigned seed) {
  std::mt19937 generator(seed);
  Image image{size, size, std::vector<std::uint8_t>(std::size_t(size) * size * 3)};
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random_int(0, 255, generator));
  return image;
}

}  // namespace backdrop::test
