#pragma once

#include <ATen/autocast_mode.h>

#include "common/tensors.h"

namespace adsam {

/** Leaves autocast while alive: what a kernel calls below its own casts is not cast again. */
class WithoutAutocast {
 public:
  explicit WithoutAutocast(at::DeviceType device)
      : guard_(at::autocast::get_autocast_dispatch_key_from_device_type(device)) {}

 private:
  c10::impl::ExcludeDispatchKeyGuard guard_;
};

/** `tensor` in the low precision autocast is set to on its device; float64 stays as it is. */
inline Tensor to_autocast_type(const Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  const auto device = tensor.device().type();
  return at::autocast::cached_cast(at::autocast::get_lower_precision_fp_from_device_type(device), tensor, device);
}

}  // namespace adsam
