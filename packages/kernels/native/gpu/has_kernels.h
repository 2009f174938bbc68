#pragma once

namespace adsam {

/** Whether this build has the kernels written in CUDA; without them compositions of ATen's operators serve a GPU. */
#ifdef ADSAM_WITH_CUDA
constexpr bool kHasCudaKernels = true;
#else
constexpr bool kHasCudaKernels = false;
#endif

}  // namespace adsam
