#include "models/sentence.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "text/post_processor.h"

namespace limbeck::models {
namespace {

int64_t longest_sentence(const SentenceEncoder& encoder) {
  const int64_t context = encoder.model->config().context();
  return encoder.config.max_length > 0 ? std::min(encoder.config.max_length, context) : context;
}

// Texts that go through the model together: longest first, as many as keep to max_batch_tokens.
std::vector<std::vector<std::size_t>> batches_by_length(std::span<const SentenceIds> texts, int64_t max_batch_tokens) {
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return texts[a].ids.size() > texts[b].ids.size(); });
  std::vector<std::vector<std::size_t>> batches;
  int64_t tokens = 0;
  for (const std::size_t i : order) {
    const auto length = static_cast<int64_t>(texts[i].ids.size());
    if (batches.empty() || tokens + length > max_batch_tokens) batches.emplace_back(), tokens = 0;
    batches.back().push_back(i);
    tokens += length;
  }
  return batches;
}

}  // namespace

SentenceIds sentence_ids(const SentenceEncoder& encoder, std::string_view text) {
  text::Encoding encoded = encoder.tokenizer->encode_pair({text, std::nullopt});
  SentenceIds result{std::move(encoded.ids), std::move(encoded.type_ids), false};
  const auto most = static_cast<std::size_t>(longest_sentence(encoder));
  if (result.ids.size() > most) {
    const std::vector<int32_t>& after = encoder.tokenizer->post_processor().after();
    const std::size_t kept = most - std::min(most, after.size());
    std::copy_n(after.begin(), most - kept, result.ids.begin() + static_cast<std::ptrdiff_t>(kept));
    result.ids.resize(most);
    result.types.resize(most);
    result.truncated = true;
  }
  // A text of nothing, where the tokenizer puts nothing around it.
  if (result.ids.empty()) user_fail("embed", "expected texts of at least one token but received an empty one");
  return result;
}

at::Tensor sentence_vectors(const SentenceConfig& config, const at::Tensor& hidden,
                            const std::vector<int64_t>& offsets) {
  std::vector<at::Tensor> parts;
  for (const nn::Pooling pooling : config.pooling) parts.push_back(nn::pool(hidden, offsets, pooling));
  const at::Tensor vectors = parts.size() == 1 ? parts[0] : at::cat(parts, 1);
  return config.normalize ? nn::unit_rows(vectors) : vectors;
}

at::Tensor embed(const SentenceEncoder& encoder, std::span<const SentenceIds> texts, int64_t max_batch_tokens) {
  const at::NoGradGuard no_grad;
  const auto width = static_cast<int64_t>(encoder.config.pooling.size()) * encoder.model->config().hidden_size;
  at::Tensor result = at::empty({static_cast<int64_t>(texts.size()), width}, at::kFloat);
  for (const std::vector<std::size_t>& batch : batches_by_length(texts, max_batch_tokens)) {
    std::vector<int64_t> offsets = {0}, rows;
    for (const std::size_t i : batch) {
      offsets.push_back(offsets.back() + static_cast<int64_t>(texts[i].ids.size()));
      rows.push_back(static_cast<int64_t>(i));
    }
    const at::Tensor ids = at::empty({offsets.back()}, at::kLong), types = at::empty({offsets.back()}, at::kLong);
    int64_t *id = ids.mutable_data_ptr<int64_t>(), *type = types.mutable_data_ptr<int64_t>();
    bool typed = false;
    for (const std::size_t i : batch) {
      id = std::copy(texts[i].ids.begin(), texts[i].ids.end(), id);
      for (const int32_t t : texts[i].types) typed = typed || t != 0;
      type = std::copy(texts[i].types.begin(), texts[i].types.end(), type);
    }
    const auto plan = plan_for(encoder.model->config(), offsets);
    const EncoderOutput out = encoder.model->forward(ids, typed ? types : at::Tensor(), *plan);
    result.index_copy_(0, at::tensor(rows, at::kLong), sentence_vectors(encoder.config, out.hidden, offsets));
  }
  return result;
}

}  // namespace limbeck::models
