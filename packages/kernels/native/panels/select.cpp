#include <cstdlib>
#include <cstring>

#include "common/check.h"
#include "panels/kernels.h"

namespace adsam {
namespace {

struct Choice {
  const PanelKernels* kernels;
  bool runs;
};

const PanelKernels& choose() {
#ifdef ADSAM_X86_KERNELS
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
                  __builtin_cpu_supports("f16c");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  const Choice choices[] = {{&avx512_bf16_kernels, v4 && __builtin_cpu_supports("avx512bf16")},
                            {&avx512_kernels, v4},
                            {&avx2_kernels, v3},
                            {&portable_kernels, true}};
#else
  const Choice choices[] = {{&portable_kernels, true}};
#endif
  const char* wanted = std::getenv("ADSAM_CPU_KERNELS");
  for (const Choice& choice : choices)
    if (choice.runs && (wanted == nullptr || std::strcmp(wanted, choice.kernels->name) == 0)) return *choice.kernels;
  ADSAM_CHECK(false, "environment variable ADSAM_CPU_KERNELS", wanted,
              "portable, or one of avx2, avx512 and avx512_bf16 that this processor runs", "Unset it for the widest.");
}

}  // namespace

const PanelKernels& panel_kernels() {
  static const PanelKernels& chosen = choose();
  return chosen;
}

}  // namespace adsam
