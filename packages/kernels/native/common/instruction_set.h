#pragma once

#include <string_view>

/**
 * One build runs on every processor of an architecture at that processor's width: kernels are compiled once for each
 * instruction set below, and all of them ask `set_in_use` which to run. ADSAM_CPU_KERNELS in the environment names a
 * narrower set for the whole process; `adsam::cpu_kernels` reports the choice.
 *
 * A function is compiled for a set by attribute (ADSAM_TARGET_AVX2, ADSAM_TARGET_AVX512), or with its whole file
 * (panels/). ADSAM_X86_KERNELS is defined where the compiler can.
 */
#ifdef ADSAM_X86_KERNELS
#define ADSAM_TARGET_AVX512 __attribute__((target("arch=x86-64-v4")))
#define ADSAM_TARGET_AVX2 __attribute__((target("arch=x86-64-v3")))
#endif

namespace adsam {

/**
 * Each has all of those before it. `baseline` is what every machine of the architecture has: SSE2 on x86-64, NEON on
 * arm64; `avx2` and `avx512` are x86-64-v3 and v4. A kernel without a body for avx512_bf16 runs that of avx512.
 */
enum class InstructionSet { baseline, avx2, avx512, avx512_bf16 };

/** As ADSAM_CPU_KERNELS and `adsam::cpu_kernels` spell it. */
const char* name_of(InstructionSet set);

/** Whether this build and this processor both have it. */
bool cpu_has(InstructionSet set);

/** The set of that name. Throws an error that names `what` where there is no such set, or this processor lacks it. */
InstructionSet set_named(const char* what, std::string_view name);

/** What kernels run: the widest this processor has, or the one in ADSAM_CPU_KERNELS. Settled at the first call. */
InstructionSet set_in_use();

}  // namespace adsam
