#pragma once

/**
 * For code written with vectors of a fixed width, which target_clones cannot widen: a function is compiled once for each
 * set below, by attribute, and the caller picks by what the CPU has. Templates such functions call must be
 * ADSAM_INLINE (common/cpu_clones.h).
 */
#if defined(__x86_64__) && defined(__GNUC__)
#define ADSAM_HAS_X86_SETS 1
#define ADSAM_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")))
#define ADSAM_TARGET_AVX2 __attribute__((target("avx2,fma,bmi2")))
#else
#define ADSAM_HAS_X86_SETS 0
#endif

namespace adsam {

/** Widest last; `baseline` is what every machine of the architecture has: SSE2 on x86-64, NEON on arm64. */
enum class InstructionSet { baseline, avx2, avx512 };

inline bool cpu_has(InstructionSet set) {
#if ADSAM_HAS_X86_SETS
  if (set == InstructionSet::avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (set == InstructionSet::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return set == InstructionSet::baseline;
}

/** The widest set this CPU has. */
inline InstructionSet widest_set() {
  static const InstructionSet set = cpu_has(InstructionSet::avx512) ? InstructionSet::avx512
                                    : cpu_has(InstructionSet::avx2) ? InstructionSet::avx2
                                                                    : InstructionSet::baseline;
  return set;
}

}  // namespace adsam
