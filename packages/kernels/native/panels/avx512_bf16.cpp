#define ADSAM_ISA avx512_bf16
#include "attention/body.h"
#include "panels/kernels.h"
#include "token_linear/body.h"

#ifdef ADSAM_X86_KERNELS
namespace adsam {

const PanelKernels avx512_bf16_kernels = {
    {avx512_bf16::Attention<float>::functions(), avx512_bf16::Attention<avx512_bf16::Pair>::functions()},
    {avx512_bf16::Tokens<float>::functions(), avx512_bf16::Tokens<avx512_bf16::Pair>::functions()}};

}  // namespace adsam
#endif
