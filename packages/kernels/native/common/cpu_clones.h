#pragma once

#include "common/inline.h"

/**
 * For a library of its own that has no `set_in_use` (the pictures'); kernels take common/on_cpu.h. ADSAM_CPU_CLONES in
 * front of a function compiles it three times (baseline, AVX2, AVX-512) and picks one when the library is loaded.
 * Templates it calls must be ADSAM_INLINE, or they stay at the baseline.
 */
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define ADSAM_CPU_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ADSAM_CPU_CLONES
#endif
