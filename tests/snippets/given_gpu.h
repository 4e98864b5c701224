// What a reader of the snippets in headers with CUDA has: a stream, and one convolution.
#include "kernels/cudnn_cuda.h"

namespace backdrop {

using namespace kernels;

extern const cudaStream_t stream;
extern const ConvolutionShape shape;
extern const int batch;
extern const CudnnBuffers buffers;

}  // namespace backdrop
