#include "common/instruction_set.h"
#include "common/tensors.h"

namespace adsam {
namespace {

std::string cpu_kernels() { return name_of(set_in_use()); }

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  // The instruction set of the kernels: baseline, avx2, avx512 or avx512_bf16.
  m.def("cpu_kernels() -> str", TORCH_FN(cpu_kernels));
}

}  // namespace adsam
