#define ADSAM_ISA avx512
#include "attention/body.h"
#include "panels/kernels.h"
#include "token_linear/body.h"

#ifdef ADSAM_X86_KERNELS
namespace adsam {

const PanelKernels avx512_kernels = {
    {avx512::Attention<float>::functions(), avx512::Attention<avx512::Pair>::functions()},
    {avx512::Tokens<float>::functions(), avx512::Tokens<avx512::Pair>::functions()}};

}  // namespace adsam
#endif
