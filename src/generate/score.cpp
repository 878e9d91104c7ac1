// Log-probabilities of given texts. Logits exist for a few rows at a time only.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/errors.h"
#include "base/interrupt.h"
#include "base/phases.h"
#include "base/profile.h"
#include "generate/cached_plan.h"
#include "generate/generate.h"
#include "kernels/sampling.h"

namespace limbeck::generate {
namespace {

constexpr int64_t kRowsAtOnce = 128;  // of logits

void check_texts(const models::DecoderConfig& config, std::span<const std::vector<int32_t>> texts) {
  std::vector<std::string> mistakes;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (static_cast<int64_t>(texts[i].size()) > config.max_position_embeddings)
      mistakes.push_back(fmt::format("[score] text {}: expected at most {} tokens (the context) but received {}", i,
                                     config.max_position_embeddings, texts[i].size()));
    for (const int32_t id : texts[i])
      if (id < 0 || id >= config.vocab_size) {
        mistakes.push_back(
            fmt::format("[score] text {}: expected tokens from 0 to {} but received {}", i, config.vocab_size - 1, id));
        break;
      }
  }
  if (!mistakes.empty()) throw UserErrors(mistakes);
}

// What a row of the batch predicts: entry `place` of text `text`.
struct Target {
  std::size_t text, place;
  int64_t row;
};

void score_batch(models::LanguageModel& model, std::span<const std::vector<int32_t>> texts, std::size_t begin,
                 std::size_t end, std::vector<std::vector<float>>& result) {
  kernels::KvShape shape = cache_shape(model.config(), Precision::kFp32);
  shape.num_layers = 1;
  KvPool pool(shape);
  std::vector<KvPages> caches;
  caches.reserve(end - begin);
  std::vector<Advance> parts;
  std::vector<int64_t> ids;
  std::vector<Target> targets;
  for (std::size_t i = begin; i < end; ++i) {
    if (texts[i].size() < 2) continue;
    for (std::size_t t = 1; t < texts[i].size(); ++t)
      targets.push_back({i, t, static_cast<int64_t>(ids.size() + t - 1)});
    ids.insert(ids.end(), texts[i].begin(), texts[i].end());
    parts.push_back({.own = &caches.emplace_back(pool), .num_tokens = static_cast<int64_t>(texts[i].size())});
  }
  if (parts.empty()) return;
  const Phase phase("score", "generate");
  CachedPlan plan(shape, std::move(parts));
  const at::Tensor hidden = model.forward(at::tensor(ids, at::kLong), plan).hidden;
  const auto num_targets = static_cast<int64_t>(targets.size());
  for (int64_t first = 0; first < num_targets; first += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, num_targets - first);
    const at::Tensor rows = at::empty({count}, at::kLong);
    for (int64_t i = 0; i < count; ++i)
      rows.mutable_data_ptr<int64_t>()[i] = targets[static_cast<std::size_t>(first + i)].row;
    const Span span("logits", "generate", count);
    const at::Tensor logits = model.logits_of(hidden.index_select(0, rows)).contiguous();
    const float* numbers = logits.const_data_ptr<float>();
    const int64_t vocab_size = logits.size(1);
#pragma omp parallel for
    for (int64_t i = 0; i < count; ++i) {
      const Target& target = targets[static_cast<std::size_t>(first + i)];
      const float* row = numbers + i * vocab_size;
      result[target.text][target.place] =
          static_cast<float>(row[texts[target.text][target.place]] - kernels::log_sum_exp(row, vocab_size));
    }
  }
}

}  // namespace

std::vector<std::vector<float>> score(models::LanguageModel& model, std::span<const std::vector<int32_t>> texts,
                                      int64_t max_batch_tokens) {
  at::NoGradGuard no_grad;
  check_texts(model.config(), texts);
  std::vector<std::vector<float>> result;
  for (const auto& ids : texts) result.emplace_back(ids.size(), 0.0f);
  for (std::size_t begin = 0, end = 0; begin < texts.size(); begin = end) {
    throw_if_interrupted("run the same command again");
    int64_t tokens = 0;
    for (; end < texts.size(); ++end) {
      tokens += static_cast<int64_t>(texts[end].size());
      if (end > begin && tokens > max_batch_tokens) break;
    }
    score_batch(model, texts, begin, end, result);
  }
  return result;
}

}  // namespace limbeck::generate
