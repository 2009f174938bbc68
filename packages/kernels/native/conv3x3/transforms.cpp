#include "conv3x3/transforms.h"

namespace adsam::winograd {
namespace {

#ifdef ADSAM_X86_KERNELS
template <typename Transform, bool finish, typename T>
ADSAM_TARGET_AVX512 void run_avx512(const Step<T>& step) {
  transform<Transform, finish, T, 64>(step);
}

template <typename Transform, bool finish, typename T>
ADSAM_TARGET_AVX2 void run_avx2(const Step<T>& step) {
  transform<Transform, finish, T, 32>(step);
}
#endif

template <typename Transform, bool finish, typename T>
void run_baseline(const Step<T>& step) {
  transform<Transform, finish, T, 16>(step);
}

}  // namespace

template <typename T>
const Transforms<T>& transforms(InstructionSet set) {
#ifdef ADSAM_X86_KERNELS
  static constexpr Transforms<T> avx512{64 / sizeof(T),
                                        run_avx512<Input, false, T>,
                                        run_avx512<Output, true, T>,
                                        run_avx512<OutputGradient, false, T>,
                                        run_avx512<Weight, false, T>,
                                        run_avx512<WeightGradient, false, T>};
  static constexpr Transforms<T> avx2{32 / sizeof(T),
                                      run_avx2<Input, false, T>,
                                      run_avx2<Output, true, T>,
                                      run_avx2<OutputGradient, false, T>,
                                      run_avx2<Weight, false, T>,
                                      run_avx2<WeightGradient, false, T>};
  if (set >= InstructionSet::avx512) return avx512;
  if (set == InstructionSet::avx2) return avx2;
#endif
  static constexpr Transforms<T> baseline{16 / sizeof(T),
                                          run_baseline<Input, false, T>,
                                          run_baseline<Output, true, T>,
                                          run_baseline<OutputGradient, false, T>,
                                          run_baseline<Weight, false, T>,
                                          run_baseline<WeightGradient, false, T>};
  return baseline;
}

template const Transforms<float>& transforms(InstructionSet set);
template const Transforms<double>& transforms(InstructionSet set);

}  // namespace adsam::winograd
