#include "common/instruction_set.h"

#include <cstdlib>
#include <string>

#include "common/check.h"

namespace adsam {
namespace {

constexpr InstructionSet kWidestFirst[] = {InstructionSet::avx512_bf16, InstructionSet::avx512, InstructionSet::avx2,
                                           InstructionSet::baseline};

InstructionSet choose() {
  if (const char* wanted = std::getenv("ADSAM_CPU_KERNELS"))
    return set_named("environment variable ADSAM_CPU_KERNELS", wanted);
  for (const InstructionSet set : kWidestFirst)
    if (cpu_has(set)) return set;
  return InstructionSet::baseline;
}

}  // namespace

const char* name_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512_bf16:
      return "avx512_bf16";
    case InstructionSet::avx512:
      return "avx512";
    case InstructionSet::avx2:
      return "avx2";
    default:
      return "baseline";
  }
}

bool cpu_has(InstructionSet set) {
  if (set == InstructionSet::baseline) return true;
#ifdef ADSAM_X86_KERNELS
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
                  __builtin_cpu_supports("f16c");
  if (set == InstructionSet::avx2) return v3;
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  return v4 && (set == InstructionSet::avx512 || __builtin_cpu_supports("avx512bf16"));
#else
  return false;
#endif
}

InstructionSet set_named(const char* what, std::string_view name) {
  std::string known;
  for (const InstructionSet set : kWidestFirst) {
    if (!cpu_has(set)) continue;
    if (name == name_of(set)) return set;
    known += (known.empty() ? "" : ", ") + std::string(name_of(set));
  }
  ADSAM_CHECK(false, what, std::string(name), "one that this processor has: " + known, "Leave it out for the widest.");
}

InstructionSet set_in_use() {
  static const InstructionSet set = choose();
  return set;
}

}  // namespace adsam
