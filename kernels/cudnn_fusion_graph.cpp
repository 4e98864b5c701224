// What is written here was tried on cuDNN 9.19's own lists for devices of 8.0, 8.9 and 9.0
// (tests/cuda/cudnn_ways_test.cpp): kernels that are there ahead of time, on 9.0 with wgmma, want the
// residual added before the bias, and a bias of the stored type. For anything else there are only kernels to
// be compiled.
#include "kernels/cudnn_fusion_graph.h"

namespace backdrop::kernels {
namespace {

cudnnDataType_t data_type(Precision precision) {
  if (precision == Precision::fp16) return CUDNN_DATA_HALF;
  return precision == Precision::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

template <class T, std::size_t N>
std::span<const T> all(const std::array<T, N>& values) {
  return values;
}

}  // namespace

FusionGraph::FusionGraph(const CudnnFunctions& functions, cudnnHandle_t handle, const CudnnFusion& fusion)
    : functions_(functions),
      type_(data_type(fusion.precision)),
      graph_(functions, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
  const ConvolutionShape& s = fusion.shape;
  const Dimensions out{fusion.batch, s.out_channels, s.out_height(), s.out_width()};
  const CudnnDescriptor& input = add_tensor(kCudnnInput, {fusion.batch, s.channels, s.height, s.width});
  const CudnnDescriptor& weights =
      add_tensor(kCudnnWeights, {s.out_channels, s.channels / s.groups, s.kernel, s.kernel});
  const CudnnDescriptor& bias = add_tensor(kCudnnBias, {1, s.out_channels, 1, 1});
  const CudnnDescriptor& output = add_tensor(kCudnnOutput, out);
  const CudnnDescriptor* sum = &add_virtual(out);
  add_convolution(s, input, weights, *sum);
  if (fusion.residual) {
    const CudnnDescriptor& with_residual = add_virtual(out);
    add_pointwise(CUDNN_POINTWISE_ADD, *sum, &add_tensor(kCudnnResidual, out), with_residual);
    sum = &with_residual;
  }
  const bool rectified = s.slope == 0.0f;
  const CudnnDescriptor& with_bias = rectified ? add_virtual(out) : output;
  add_pointwise(CUDNN_POINTWISE_ADD, *sum, &bias, with_bias);
  if (rectified) add_pointwise(CUDNN_POINTWISE_RELU_FWD, with_bias, nullptr, output);

  graph_.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
             std::span<const cudnnBackendDescriptor_t>(operations_));
  if (handle != nullptr) graph_.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle);
  graph_.finalize();
}

CudnnDescriptor& FusionGraph::add(cudnnBackendDescriptorType_t type) {
  parts_.push_back(std::make_unique<CudnnDescriptor>(functions_, type));
  return *parts_.back();
}

const CudnnDescriptor& FusionGraph::add_tensor(CudnnTensor name, const Dimensions& dimensions) {
  return add_tensor(name, dimensions, type_, false);
}

const CudnnDescriptor& FusionGraph::add_virtual(const Dimensions& dimensions) {
  return add_tensor(kFirstVirtual + std::ssize(parts_), dimensions, CUDNN_DATA_FLOAT, true);
}

// Channels lie side by side.
const CudnnDescriptor& FusionGraph::add_tensor(std::int64_t name, const Dimensions& dimensions,
                                               cudnnDataType_t type, bool is_virtual) {
  const auto [n, c, h, w] = dimensions;
  const Dimensions strides{h * w * c, 1, w * c, c};
  CudnnDescriptor& tensor = add(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, name);
  tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type);
  tensor.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, all(dimensions));
  tensor.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, all(strides));
  tensor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, std::int64_t{16});
  if (is_virtual) tensor.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, true);
  tensor.finalize();
  return tensor;
}

void FusionGraph::add_convolution(const ConvolutionShape& s, const CudnnDescriptor& input,
                                  const CudnnDescriptor& weights, const CudnnDescriptor& output) {
  const std::array<std::int64_t, 2> padding{s.padding, s.padding};
  const std::array<std::int64_t, 2> stride{s.stride, s.stride};
  const std::array<std::int64_t, 2> dilation{1, 1};
  CudnnDescriptor& convolution = add(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  convolution.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, std::int64_t{2});
  convolution.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  convolution.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION);
  convolution.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, all(padding));
  convolution.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, all(padding));
  convolution.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, all(stride));
  convolution.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, all(dilation));
  convolution.finalize();
  CudnnDescriptor& operation = add(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution);
  operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, input);
  operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, weights);
  operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, output);
  operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1.0f);
  operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 0.0f);
  operation.finalize();
  operations_.push_back(operation.get());
}

void FusionGraph::add_pointwise(cudnnPointwiseMode_t mode, const CudnnDescriptor& input,
                                const CudnnDescriptor* other, const CudnnDescriptor& output) {
  CudnnDescriptor& pointwise = add(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  pointwise.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode);
  pointwise.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  if (mode == CUDNN_POINTWISE_RELU_FWD)
    pointwise.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, CUDNN_PROPAGATE_NAN);
  pointwise.finalize();
  CudnnDescriptor& operation = add(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, pointwise);
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, input);
  if (other != nullptr) operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *other);
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, output);
  operation.finalize();
  operations_.push_back(operation.get());
}

}  // namespace backdrop::kernels
