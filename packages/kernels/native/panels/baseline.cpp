#define ADSAM_ISA baseline
#include "attention/body.h"
#include "panels/kernels.h"
#include "token_linear/body.h"

namespace adsam {

const PanelKernels baseline_kernels = {
    {baseline::Attention<float>::functions(), baseline::Attention<baseline::Pair>::functions()},
    {baseline::Tokens<float>::functions(), baseline::Tokens<baseline::Pair>::functions()}};

}  // namespace adsam
