#pragma once

#include "common/tensors.h"

namespace adsam {

/** [B, C, H, W] → [B, H, W, C], dense, of type `type`; no copy where a channels-last tensor of that type comes in. */
Tensor channels_last(const Tensor& tensor, at::ScalarType type);

/** Dense [B, H, W, C] → [B, C, H, W] in the memory format asked for; no copy for channels-last. */
Tensor channels_first(const Tensor& tensor, at::MemoryFormat format);

}  // namespace adsam
