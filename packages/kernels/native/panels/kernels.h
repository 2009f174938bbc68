#pragma once

#include "attention/problem.h"
#include "token_linear/problem.h"

namespace adsam {

/** What is compiled once for each instruction set. */
struct PanelKernels {
  /** As `adsam::cpu_kernels` reports it. */
  const char* name;
  AttentionKernels attention;
  TokenKernels tokens;
};

extern const PanelKernels portable_kernels;
#ifdef ADSAM_X86_KERNELS
extern const PanelKernels avx2_kernels, avx512_kernels, avx512_bf16_kernels;
#endif

/** The widest this processor runs, chosen at the first call; ADSAM_CPU_KERNELS names a narrower one. */
const PanelKernels& panel_kernels();

}  // namespace adsam
