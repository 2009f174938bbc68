#pragma once

#include "common/inline.h"
#include "common/instruction_set.h"

/**
 * For loops that the compiler itself turns into vector code: `on_cpu<body>(arguments…)` runs a copy of `body` that was
 * compiled for the instruction set in use. `body` and the templates it calls must be ADSAM_INLINE, or they stay at the
 * baseline. Code that is written with vectors of a fixed width chooses by ADSAM_TARGET_… itself.
 */
namespace adsam {

template <auto body>
struct CpuCopies;

template <typename Result, typename... Parameters, Result (*body)(Parameters...)>
struct CpuCopies<body> {
#ifdef ADSAM_X86_KERNELS
  ADSAM_TARGET_AVX512 static Result avx512(Parameters... parameters) { return body(parameters...); }
  ADSAM_TARGET_AVX2 static Result avx2(Parameters... parameters) { return body(parameters...); }
#endif
  static Result baseline(Parameters... parameters) { return body(parameters...); }
};

template <auto body, typename... Arguments>
ADSAM_INLINE decltype(auto) on_cpu(Arguments&&... arguments) {
#ifdef ADSAM_X86_KERNELS
  const InstructionSet set = set_in_use();
  if (set >= InstructionSet::avx512) return CpuCopies<body>::avx512(arguments...);
  if (set == InstructionSet::avx2) return CpuCopies<body>::avx2(arguments...);
#endif
  return CpuCopies<body>::baseline(arguments...);
}

}  // namespace adsam
