#include "generate/cached_plan.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join

#include <utility>

#include "base/errors.h"
#include "base/profile.h"
#include "tensor/fresh.h"

namespace limbeck::generate {
namespace {

// fp32 or bf16 with the numbers of a head side by side.
at::Tensor readable(const at::Tensor& x) {
  at::Tensor y = x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kFloat ? x : x.to(at::kFloat);
  return y.stride(2) == 1 ? y : y.contiguous();
}

kernels::HeadRows rows_of(const at::Tensor& x) {
  return {.numbers = x.const_data_ptr(),
          .format = x.scalar_type() == at::kBFloat16 ? kernels::Format::kBf16 : kernels::Format::kFp32,
          .row_stride = x.stride(0),
          .head_stride = x.stride(1)};
}

}  // namespace

CachedPlan::CachedPlan(const kernels::KvShape& shape, std::vector<Advance> sequences)
    : shape_(shape), sequences_(std::move(sequences)) {
  for (const Advance& sequence : sequences_) num_tokens_ += sequence.num_tokens;
  positions_ = at::empty({num_tokens_}, at::kLong);
  int64_t* position = positions_.mutable_data_ptr<int64_t>();
  int64_t row = 0;
  for (const Advance& sequence : sequences_) {
    if (sequence.num_tokens < 1) fail("cached_plan", "expected new tokens but received {}", sequence.num_tokens);
    const int64_t length = sequence.own->length(), before = sequence.prefix ? sequence.prefix->length() : 0;
    sequence.own->reserve(length + sequence.num_tokens);
    cached_.push_back({.first_row = row,
                       .num_rows = sequence.num_tokens,
                       .pages = sequence.own->pages(),
                       .length = length,
                       .prefix_pages = sequence.prefix ? sequence.prefix->pages() : nullptr,
                       .prefix_length = before});
    for (int64_t t = 0; t < sequence.num_tokens; ++t) position[row + t] = before + length + t;
    row += sequence.num_tokens;
  }
}

at::Tensor CachedPlan::attend(int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const nn::AttentionOptions& options) {
  if (q.dim() != 3 || q.size(0) != num_tokens_ || k.dim() != 3 || k.size(1) != shape_.num_kv_heads ||
      k.size(2) != shape_.head_size || v.sizes() != k.sizes() || q.size(1) % k.size(1) != 0)
    fail("cached_plan", "expected keys [{},{},{}] but received queries {} and keys {}", num_tokens_,
         shape_.num_kv_heads, shape_.head_size, fmt::join(q.sizes(), "x"), fmt::join(k.sizes(), "x"));
  if (!q.device().is_cpu()) fail("cached_plan", "expected tensors on the CPU but received {}", q.device().str());
  const Span span("attention", "model", num_tokens_);
  const at::Tensor queries = readable(q), keys = readable(k), values = readable(v);
  at::Tensor output = fresh(queries.sizes(), queries.scalar_type());
  kernels::attend({.shape = shape_,
                   .layer = shape_.num_layers == 1 ? 0 : layer,
                   .num_heads = q.size(1),
                   .scale = static_cast<float>(options.scale),
                   .softcap = static_cast<float>(options.softcap),
                   .window = options.window.value_or(0),
                   .q = rows_of(queries),
                   .k = rows_of(keys),
                   .v = rows_of(values),
                   .output = output.mutable_data_ptr(),
                   .sequences = cached_});
  return output;
}

void CachedPlan::commit() {
  for (const Advance& sequence : sequences_) sequence.own->set_length(sequence.own->length() + sequence.num_tokens);
}

at::Tensor CachedPlan::last_rows() const {
  at::Tensor rows = at::empty({static_cast<int64_t>(cached_.size())}, at::kLong);
  for (std::size_t i = 0; i < cached_.size(); ++i)
    rows.mutable_data_ptr<int64_t>()[i] = cached_[i].first_row + cached_[i].num_rows - 1;
  return rows;
}

}  // namespace limbeck::generate
