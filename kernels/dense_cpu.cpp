// The dense operations by oneDNN 2.6: NHWC activations, weights in the format the primitive prefers, bias,
// residual (as an accumulation into the output) and activation fused as post-operations.
#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "backdrop/error.h"
#include "kernels/dense.h"

static_assert(DNNL_VERSION_MAJOR == 2,
              "Backdrop is written for oneDNN 2.x: install libdnnl-dev of Debian 12");

namespace backdrop::kernels {
namespace {

using dnnl::memory;
constexpr auto kFloat = memory::data_type::f32;

dnnl::engine& cpu_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

// oneDNN asks OpenMP how many threads to block for when a primitive is made and when it runs; we parallelise
// over batches and want one. The setting is per calling thread and is put back.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

dnnl::primitive_attr attributes(float slope, bool accumulate) {
  dnnl::post_ops operations;
  if (accumulate) operations.append_sum(1.0f);
  if (slope != 1.0f) operations.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, slope, 0.0f);
  dnnl::primitive_attr attr;
  attr.set_post_ops(operations);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

memory::desc nhwc(int batch, int height, int width, int channels) {
  return {{batch, channels, height, width}, kFloat, memory::format_tag::nhwc};
}

// Weights from a plain layout into the one that the primitive asked for.
memory pack(const memory::desc& plain, const memory::desc& packed, const float* values) {
  memory source(plain, cpu_engine(), const_cast<float*>(values));
  memory target(packed, cpu_engine());
  dnnl::stream stream(cpu_engine());
  dnnl::reorder(source, target).execute(stream, source, target);
  stream.wait();
  return target;
}

// Calls `make` for one thread, turning oneDNN's exception into ours.
template <class Make>
auto checked(const char* what, const Make& make) {
  const OneThread one_thread;
  try {
    return make();
  } catch (const dnnl::error& error) {
    throw Error(ErrorCode::failed, std::string("oneDNN cannot make the ") + what + ": " + error.message);
  }
}

}  // namespace

struct DenseOperation::State {
  dnnl::primitive primitive;
  memory::desc input;
  memory::desc output;
  memory::desc scratch;
  std::unordered_map<int, memory> constants;
  std::string implementation;

  template <class Descriptor>
  State(dnnl::primitive made, const Descriptor& descriptor)
      : primitive(std::move(made)),
        input(descriptor.src_desc()),
        output(descriptor.dst_desc()),
        scratch(descriptor.scratchpad_desc()),
        implementation(descriptor.impl_info_str()) {}
};

DenseOperation::DenseOperation(std::unique_ptr<State> state) : state_(std::move(state)) {}
DenseOperation::DenseOperation(DenseOperation&&) noexcept = default;
DenseOperation& DenseOperation::operator=(DenseOperation&&) noexcept = default;
DenseOperation::~DenseOperation() = default;

DenseOperation DenseOperation::convolution(const ConvolutionShape& shape, int batch, const float* weights,
                                           const float* bias, bool accumulate) {
  return checked("convolution", [&] {
    const int group_channels = shape.channels / shape.groups;
    memory::dims filter{shape.out_channels, group_channels, shape.kernel, shape.kernel};
    auto plain = memory::format_tag::oihw;
    if (shape.groups > 1) {
      filter = {shape.groups, shape.out_channels / shape.groups, group_channels, shape.kernel, shape.kernel};
      plain = memory::format_tag::goihw;
    }
    const memory::desc bias_desc({shape.out_channels}, kFloat, memory::format_tag::x);
    const memory::dims strides{shape.stride, shape.stride};
    const memory::dims padding{shape.padding, shape.padding};
    const dnnl::convolution_forward::desc desc(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
        nhwc(batch, shape.height, shape.width, shape.channels), {filter, kFloat, memory::format_tag::any},
        bias_desc, nhwc(batch, shape.out_height(), shape.out_width(), shape.out_channels), strides, padding,
        padding);
    const dnnl::convolution_forward::primitive_desc descriptor(desc, attributes(shape.slope, accumulate),
                                                               cpu_engine());
    auto state = std::make_unique<State>(dnnl::convolution_forward(descriptor), descriptor);
    state->constants.emplace(DNNL_ARG_WEIGHTS,
                             pack({filter, kFloat, plain}, descriptor.weights_desc(), weights));
    state->constants.emplace(DNNL_ARG_BIAS, pack(bias_desc, bias_desc, bias));
    return DenseOperation(std::move(state));
  });
}

DenseOperation DenseOperation::max_pool(const PoolShape& shape, int batch) {
  return checked("max pool", [&] {
    const memory::dims padding{shape.padding, shape.padding};
    const dnnl::pooling_forward::desc desc(dnnl::prop_kind::forward_inference, dnnl::algorithm::pooling_max,
                                           nhwc(batch, shape.height, shape.width, shape.channels),
                                           nhwc(batch, shape.out_height(), shape.out_width(), shape.channels),
                                           {shape.stride, shape.stride}, {shape.kernel, shape.kernel},
                                           padding, padding);
    const dnnl::pooling_forward::primitive_desc descriptor(desc, attributes(1.0f, false), cpu_engine());
    return DenseOperation(std::make_unique<State>(dnnl::pooling_forward(descriptor), descriptor));
  });
}

DenseOperation DenseOperation::average_pool(int height, int width, int channels, int batch) {
  return checked("average pool", [&] {
    const dnnl::pooling_forward::desc desc(dnnl::prop_kind::forward_inference,
                                           dnnl::algorithm::pooling_avg_exclude_padding,
                                           nhwc(batch, height, width, channels), nhwc(batch, 1, 1, channels),
                                           {height, width}, {height, width}, {0, 0}, {0, 0});
    const dnnl::pooling_forward::primitive_desc descriptor(desc, attributes(1.0f, false), cpu_engine());
    return DenseOperation(std::make_unique<State>(dnnl::pooling_forward(descriptor), descriptor));
  });
}

DenseOperation DenseOperation::fully_connected(const FullyConnectedShape& shape, int batch,
                                               const float* weights, const float* bias) {
  return checked("fully connected layer", [&] {
    const memory::dims filter{shape.outputs, shape.inputs};
    const memory::desc bias_desc({shape.outputs}, kFloat, memory::format_tag::x);
    const dnnl::inner_product_forward::desc desc(dnnl::prop_kind::forward_inference,
                                                 {{batch, shape.inputs}, kFloat, memory::format_tag::nc},
                                                 {filter, kFloat, memory::format_tag::any}, bias_desc,
                                                 {{batch, shape.outputs}, kFloat, memory::format_tag::nc});
    const dnnl::inner_product_forward::primitive_desc descriptor(desc, attributes(shape.slope, false),
                                                                 cpu_engine());
    auto state = std::make_unique<State>(dnnl::inner_product_forward(descriptor), descriptor);
    state->constants.emplace(
        DNNL_ARG_WEIGHTS, pack({filter, kFloat, memory::format_tag::oi}, descriptor.weights_desc(), weights));
    state->constants.emplace(DNNL_ARG_BIAS, pack(bias_desc, bias_desc, bias));
    return DenseOperation(std::move(state));
  });
}

void DenseOperation::run(const float* input, float* output, void* scratch) const {
  const OneThread one_thread;
  try {
    dnnl::stream stream(cpu_engine());
    auto arguments = state_->constants;
    arguments.emplace(DNNL_ARG_SRC, memory(state_->input, cpu_engine(), const_cast<float*>(input)));
    arguments.emplace(DNNL_ARG_DST, memory(state_->output, cpu_engine(), output));
    arguments.emplace(DNNL_ARG_SCRATCHPAD, memory(state_->scratch, cpu_engine(), scratch));
    state_->primitive.execute(stream, arguments);
    stream.wait();
  } catch (const dnnl::error& error) {
    throw Error(ErrorCode::failed, "oneDNN cannot run " + state_->implementation + ": " + error.message);
  }
}

std::size_t DenseOperation::scratch_bytes() const {
  return state_->scratch.get_size();
}

std::size_t DenseOperation::weight_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [argument, constant] : state_->constants) bytes += constant.get_desc().get_size();
  return bytes;
}

std::string DenseOperation::implementation() const {
  return state_->implementation;
}

}  // namespace backdrop::kernels
