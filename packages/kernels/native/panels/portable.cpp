#define ADSAM_ISA portable
#include "attention/body.h"
#include "panels/kernels.h"
#include "token_linear/body.h"

namespace adsam {

const PanelKernels portable_kernels = {"portable",
    {portable::Attention<float>::functions(), portable::Attention<portable::Pair>::functions()},
    {portable::Tokens<float>::functions(), portable::Tokens<portable::Pair>::functions()}};

}  // namespace adsam
