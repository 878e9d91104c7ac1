#include "generate/session.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <optional>

#include "base/errors.h"
#include "base/phases.h"
#include "base/profile.h"
#include "generate/cached_plan.h"
#include "generate/growing_text.h"
#include "generate/sampler.h"

namespace limbeck::generate {
namespace {

constexpr int64_t kChunkTokens = 256;  // that go through the model at once

}  // namespace

Session::Session(const models::Pretrained& source, Precision precision)
    : source_(source), pool_(cache_shape(source.model->config(), precision)), cache_(pool_) {}

at::Tensor Session::read(std::span<const int32_t> ids) {
  const auto same = std::mismatch(ids.begin(), ids.end(), cached_ids_.begin(), cached_ids_.end()).first - ids.begin();
  // The last token is always computed: its logits are asked for.
  int64_t done = std::min<int64_t>(same, static_cast<int64_t>(ids.size()) - 1);
  num_reused_ = done;
  cache_.set_length(done);
  cached_ids_.resize(static_cast<std::size_t>(done));
  const Phase phase(static_cast<int64_t>(ids.size()) - done > 1 ? "prefill" : "decode", "generate");
  at::Tensor hidden;
  while (done < static_cast<int64_t>(ids.size())) {
    const int64_t count = std::min(kChunkTokens, static_cast<int64_t>(ids.size()) - done);
    CachedPlan plan(pool_.shape(), {{.own = &cache_, .num_tokens = count}});
    const at::Tensor tokens = at::empty({count}, at::kLong);
    std::copy_n(ids.begin() + done, count, tokens.mutable_data_ptr<int64_t>());
    hidden = source_.model->forward(tokens, plan).hidden;
    plan.commit();
    cached_ids_.insert(cached_ids_.end(), ids.begin() + done, ids.begin() + done + count);
    done += count;
  }
  const Span span("logits", "generate", 1);
  return source_.model->logits_of(hidden.narrow(0, hidden.size(0) - 1, 1)).contiguous();
}

Sample Session::answer(std::span<const int32_t> ids, const SamplingOptions& sampling, Seed seed,
                       const std::function<bool(std::string_view)>& on_text) {
  at::NoGradGuard no_grad;
  const auto& config = source_.model->config();
  if (ids.empty()) user_fail("session", "expected at least one token but received none");
  if (static_cast<int64_t>(ids.size()) + sampling.max_new_tokens > config.max_position_embeddings)
    user_fail("session", "expected at most {} tokens (the context of {} less {} new ones) but received {}",
              std::max<int64_t>(0, config.max_position_embeddings - sampling.max_new_tokens),
              config.max_position_embeddings, sampling.max_new_tokens, ids.size());
  std::vector<int32_t> all(ids.begin(), ids.end());
  std::optional<SeenTokens> seen;
  if (sampling.repetition_penalty != 1) {
    seen.emplace(config.vocab_size);
    for (const int32_t id : all) seen->add(id);
  }
  Sample sample;
  std::vector<double> log_probs;
  GrowingText text(source_.tokenizer, sampling.stop);
  bool told_to_stop = false;
  while (static_cast<int64_t>(sample.ids.size()) < sampling.max_new_tokens) {
    const at::Tensor logits = read(all);
    const auto draw = draw_all({{.logits = logits.const_data_ptr<float>(),
                                 .seen = seen ? &*seen : nullptr,
                                 .seed = seed,
                                 .step = static_cast<int64_t>(sample.ids.size())}},
                               config.vocab_size, sampling)
                          .front();
    if (std::find(source_.eos_ids.begin(), source_.eos_ids.end(), draw.id) != source_.eos_ids.end()) {
      sample.finish = Finish::kEndOfText;
      break;
    }
    all.push_back(draw.id);
    sample.ids.push_back(draw.id);
    log_probs.push_back(draw.log_prob);
    if (seen) seen->add(draw.id);
    text.add(draw.id);
    told_to_stop = !on_text(text.take());
    if (text.stopped() || told_to_stop) break;
  }
  text.finish();
  if (!told_to_stop) on_text(text.take());
  if (text.stopped()) sample.ids.resize(static_cast<std::size_t>(text.num_tokens()));
  if (text.stopped() || told_to_stop) sample.finish = Finish::kStop;
  sample.text = text.text();
  for (std::size_t i = 0; i < sample.ids.size(); ++i) sample.log_prob += log_probs[i];
  return sample;
}

}  // namespace limbeck::generate
