#include <cstddef>

#include "kernels/vector_avx2.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

#include "kernels/winograd_transform.inl"

}  // namespace

WinogradTransforms winograd_transforms_avx2() {
  return {transform_input<Floats>, transform_output<Floats>};
}

}  // namespace backdrop::kernels
