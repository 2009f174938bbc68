#define ADSAM_ISA avx2
#include "attention/body.h"
#include "panels/kernels.h"
#include "token_linear/body.h"

#ifdef ADSAM_X86_KERNELS
namespace adsam {

const PanelKernels avx2_kernels = {
    {avx2::Attention<float>::functions(), avx2::Attention<avx2::Pair>::functions()},
    {avx2::Tokens<float>::functions(), avx2::Tokens<avx2::Pair>::functions()}};

}  // namespace adsam
#endif
