#pragma once

#include "attention/problem.h"
#include "token_linear/problem.h"

namespace adsam {

/** What is compiled once for each instruction set. */
struct PanelKernels {
  AttentionKernels attention;
  TokenKernels tokens;
};

extern const PanelKernels baseline_kernels;
#ifdef ADSAM_X86_KERNELS
extern const PanelKernels avx2_kernels, avx512_kernels, avx512_bf16_kernels;
#endif

/** Those of the set in use. */
const PanelKernels& panel_kernels();

}  // namespace adsam
