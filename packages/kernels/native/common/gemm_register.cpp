#include "common/check.h"
#include "common/gemm.h"

namespace adsam {
namespace {

template <typename T>
void add_run(void* context, T* run, int64_t i, int64_t j, int64_t count) {
  const Tensor& addend = *static_cast<const Tensor*>(context);
  const T* row = addend.data_ptr<T>() + i * addend.size(1) + j;
  for (int64_t l = 0; l < count; ++l) run[l] += row[l];
}

/** common/gemm.h as an operator, every way through it: for tests, which also name the instruction set. */
Tensor matmul(const Tensor& a, const Tensor& b, const Optional<Tensor>& bias, const Optional<Tensor>& addend,
              const Optional<Tensor>& start, bool relu, bool a_transposed, bool b_transposed, bool packed,
              c10::string_view set_name) {
  const int64_t m = a.size(a_transposed ? 1 : 0), k = a.size(a_transposed ? 0 : 1), n = b.size(b_transposed ? 0 : 1);
  check_shape("_matmul", "b", "[k, n]", b, b_transposed ? IntArrayRef{n, k} : IntArrayRef{k, n}, "");
  for (const Tensor& tensor : {a, b})
    ADSAM_CHECK(tensor.stride(1) == 1, "_matmul operand", c10::str("strides ", tensor.strides()), "dense rows", "");
  ADSAM_CHECK(packed || !b_transposed, "_matmul b", "a transposed matrix", "one that is packed", "");
  const InstructionSet set = set_name.empty() ? set_in_use()
                                               : set_named("_matmul set", {set_name.data(), set_name.size()});
  const bool accumulate = start.has_value();
  Tensor c = accumulate ? start->clone() : at::empty({m, n}, a.options());
  Tensor extra = value_or_undefined(addend);
  AT_DISPATCH_FLOATING_TYPES(a.scalar_type(), "_matmul", [&] {
    Epilogue<scalar_t> epilogue;
    if (bias.has_value()) epilogue.bias = bias->data_ptr<scalar_t>();
    epilogue.relu = relu;
    if (extra.defined()) epilogue.hook = add_run<scalar_t>, epilogue.context = &extra;
    const LeftMatrix<scalar_t> left{a.data_ptr<scalar_t>(), a.stride(0), a_transposed};
    if (packed)
      multiply<scalar_t>(
          m, left, PackedMatrix<scalar_t>(b.data_ptr<scalar_t>(), k, n, b.stride(0), b_transposed, set),
          c.data_ptr<scalar_t>(), c.stride(0), accumulate, epilogue);
    else
      multiply<scalar_t>(m, n, k, left, b.data_ptr<scalar_t>(), b.stride(0), c.data_ptr<scalar_t>(), c.stride(0),
                         accumulate, epilogue, set);
  });
  return c;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def(
      "_matmul(Tensor a, Tensor b, Tensor? bias=None, Tensor? addend=None, Tensor? start=None, bool relu=False, bool "
      "a_transposed=False, bool b_transposed=False, bool packed=True, str set='') -> Tensor");
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) { m.impl("_matmul", TORCH_FN(matmul)); }

}  // namespace adsam
