#include "panels/kernels.h"

#include "common/instruction_set.h"

namespace adsam {

const PanelKernels& panel_kernels() {
#ifdef ADSAM_X86_KERNELS
  switch (set_in_use()) {
    case InstructionSet::avx512_bf16:
      return avx512_bf16_kernels;
    case InstructionSet::avx512:
      return avx512_kernels;
    case InstructionSet::avx2:
      return avx2_kernels;
    default:
      break;
  }
#endif
  return baseline_kernels;
}

}  // namespace adsam
