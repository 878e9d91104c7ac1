// The scheduler: the beginning that all prompts share is computed once, the rest of them as room appears, each of their
// samples takes a place in the batch, one forward pass moves all places by a token, and a sequence that ends leaves its
// place to the next.
#include "generate/generate.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/errors.h"
#include "base/interrupt.h"
#include "base/phases.h"
#include "base/profile.h"
#include "generate/cached_plan.h"
#include "generate/growing_text.h"
#include "generate/kv_cache.h"
#include "generate/sampler.h"

namespace limbeck::generate {
namespace {

constexpr int64_t kPrefillTokens = 512;  // of prompts, that go through the model at once

// A prompt whose samples are being made. Its keys and values are here once.
struct Started {
  KvPages cache;
  std::vector<int32_t> ids;
  at::Tensor logits;  // [V] after the last token
};

struct Sequence {
  std::shared_ptr<Started> prompt;
  KvPages own;  // positions after the prompt
  Seed seed;
  Sample sample;
  GrowingText text;
  std::optional<SeenTokens> seen;  // with a penalty
  std::vector<double> log_probs;   // of sample.ids
};

// Every mistake of every prompt.
void check(const models::DecoderConfig& config, const text::Tokenizer& tokenizer, std::span<const Prompt> prompts,
           const SamplingOptions& sampling) {
  std::vector<std::string> mistakes;
  const int64_t room = config.max_position_embeddings - sampling.max_new_tokens;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto& ids = prompts[i].ids;
    const auto size = static_cast<int64_t>(ids.size());
    if (prompts[i].num_samples < 0)
      mistakes.push_back(
          fmt::format("[generate] prompt {}: expected 0 or more samples but received {}", i, prompts[i].num_samples));
    if (size > room)
      mistakes.push_back(fmt::format(
          "[generate] prompt {}: expected at most {} tokens (the context of {} less {} new ones) but received {}", i,
          std::max<int64_t>(room, 0), config.max_position_embeddings, sampling.max_new_tokens, size));
    if (size == 0 && !config.bos_token_id && !tokenizer.spec().bos)
      mistakes.push_back(
          fmt::format("[generate] prompt {}: expected at least one token but received none, and the model has no "
                      "token that begins a text",
                      i));
    for (const int32_t id : ids)
      if (id < 0 || id >= config.vocab_size) {
        mistakes.push_back(fmt::format("[generate] prompt {}: expected tokens from 0 to {} but received {}", i,
                                       config.vocab_size - 1, id));
        break;
      }
  }
  if (!mistakes.empty()) throw UserErrors(mistakes);
}

// How many tokens all prompts with samples begin with, in whole pages and less than the shortest prompt has, whose last
// token's logits are its own; 0 where there is only one such prompt.
int64_t shared_beginning(std::span<const Prompt> prompts) {
  const Prompt* first = nullptr;
  std::size_t num_shared = 0, num_prompts = 0;
  for (const Prompt& prompt : prompts) {
    if (prompt.num_samples == 0) continue;
    if (num_prompts++ == 0) {
      first = &prompt;
      num_shared = prompt.ids.size();
    }
    const auto end = first->ids.begin() + static_cast<int64_t>(num_shared);
    const auto same = std::mismatch(first->ids.begin(), end, prompt.ids.begin(), prompt.ids.end()).first;
    num_shared = static_cast<std::size_t>(same - first->ids.begin());
    if (num_shared == prompt.ids.size() && num_shared > 0) --num_shared;
  }
  if (num_prompts < 2) return 0;
  return static_cast<int64_t>(num_shared) / kernels::kPositionsPerPage * kernels::kPositionsPerPage;
}

class Scheduler {
 public:
  Scheduler(const models::Pretrained& source, std::span<const Prompt> prompts, const SamplingOptions& sampling,
            const BatchOptions& batch, const std::function<void(Sample)>& on_sample)
      : model_(*source.model),
        source_(source),
        prompts_(prompts),
        sampling_(sampling),
        max_batch_(static_cast<std::size_t>(std::max<int64_t>(1, batch.max_batch))),
        on_sample_(on_sample),
        pool_(cache_shape(model_.config(), batch.precision)) {}

  void run() {
    if (sampling_.max_new_tokens > 0) compute_beginning();
    while (true) {
      throw_if_interrupted("run the same command again");
      admit();
      if (active_.empty()) return;
      advance();
    }
  }

 private:
  // Fills the free places. The first token of each new sample comes from its prompt's logits.
  void admit() {
    while (active_.size() < max_batch_ && skip_to_next_sample()) {
      if (started_.empty()) start_prompts();
      std::vector<Sequence> entering;
      while (active_.size() + entering.size() < max_batch_ && skip_to_next_sample()) {
        if (started_.empty()) break;
        entering.push_back(next_sequence());
      }
      std::vector<DrawRequest> requests;
      for (const Sequence& sequence : entering)
        if (sequence.prompt->logits.defined())
          requests.push_back(request(sequence, sequence.prompt->logits.const_data_ptr<float>()));
      take(std::move(entering), requests);
    }
  }

  // Moves on over prompts without samples left; false when there is nothing left to begin.
  bool skip_to_next_sample() {
    while (prompt_ < prompts_.size() && sample_ >= prompts_[prompt_].num_samples) {
      if (prompts_[prompt_].num_samples > 0) started_.erase(started_.begin());
      ++prompt_, sample_ = 0;
    }
    return prompt_ < prompts_.size();
  }

  Sequence next_sequence() {
    const Prompt& prompt = prompts_[prompt_];
    const int64_t index = prompt.first_sample + sample_++;
    Sequence sequence{.prompt = started_.front(),
                      .own = KvPages(pool_),
                      .seed = prompt.seed.derive(static_cast<uint64_t>(index)),
                      .sample = {.prompt_index = static_cast<int64_t>(prompt_), .sample_index = index},
                      .text = GrowingText(source_.tokenizer, sampling_.stop)};
    if (sampling_.repetition_penalty != 1) {
      sequence.seen.emplace(model_.config().vocab_size);
      for (const int32_t id : sequence.prompt->ids) sequence.seen->add(id);
    }
    return sequence;
  }

  void compute_beginning() {
    const int64_t length = shared_beginning(prompts_);
    if (length == 0) return;
    const auto owner =
        std::find_if(prompts_.begin(), prompts_.end(), [](const Prompt& prompt) { return prompt.num_samples > 0; });
    const Phase phase("prefill", "generate");
    KvPages cache(pool_);
    while (cache.length() < length) {
      throw_if_interrupted("run the same command again");
      const auto begin = owner->ids.begin() + cache.length();
      const int64_t count = std::min(kPrefillTokens, length - cache.length());
      read({begin, begin + count}, {{.own = &cache, .num_tokens = count}});
    }
    beginning_ = std::make_shared<const KvPages>(std::move(cache));
  }

  KvPages new_prompt_cache() { return beginning_ ? KvPages(pool_, beginning_) : KvPages(pool_); }

  // Computes the next prompts: enough to fill the free places, but no more than kPrefillTokens beyond the first.
  void start_prompts() {
    auto free = static_cast<int64_t>(max_batch_ - active_.size());
    int64_t tokens = 0;
    for (std::size_t p = prompt_; p < prompts_.size() && free > 0; ++p) {
      if (prompts_[p].num_samples == 0) continue;
      auto started =
          std::make_shared<Started>(Started{.cache = new_prompt_cache(), .ids = prompts_[p].ids, .logits = {}});
      if (started->ids.empty()) started->ids.push_back(begin_of_text());
      tokens += static_cast<int64_t>(started->ids.size()) - started->cache.length();
      if (!started_.empty() && tokens > kPrefillTokens) break;
      started_.push_back(std::move(started));
      free -= prompts_[p].num_samples;
    }
    if (sampling_.max_new_tokens == 0) return;
    const Phase phase("prefill", "generate");
    while (prefill_some()) continue;
  }

  // One forward pass over what is missing of the started prompts; false when nothing is.
  bool prefill_some() {
    std::vector<Advance> parts;
    std::vector<Started*> owners;
    std::vector<int64_t> ids;
    for (const auto& started : started_) {
      const auto missing = static_cast<int64_t>(started->ids.size()) - started->cache.length();
      const int64_t count = std::min(missing, kPrefillTokens - static_cast<int64_t>(ids.size()));
      if (count <= 0) continue;
      const auto begin = started->ids.begin() + started->cache.length();
      ids.insert(ids.end(), begin, begin + count);
      parts.push_back({.own = &started->cache, .num_tokens = count});
      owners.push_back(started.get());
    }
    if (parts.empty()) return false;
    const at::Tensor logits = forward(ids, std::move(parts));
    for (std::size_t i = 0; i < owners.size(); ++i)
      if (owners[i]->cache.length() == static_cast<int64_t>(owners[i]->ids.size()))
        owners[i]->logits = logits[static_cast<int64_t>(i)];
    return true;
  }

  // Hidden states of the last new token of each part, [parts,H]; the caches hold the new tokens afterwards.
  at::Tensor read(const std::vector<int64_t>& ids, std::vector<Advance> parts) {
    CachedPlan plan(pool_.shape(), std::move(parts));
    const at::Tensor tokens = at::empty({static_cast<int64_t>(ids.size())}, at::kLong);
    std::copy(ids.begin(), ids.end(), tokens.mutable_data_ptr<int64_t>());
    const at::Tensor hidden = model_.forward(tokens, plan).hidden;
    plan.commit();
    const at::Tensor rows = plan.last_rows();
    return rows.size(0) == hidden.size(0) ? hidden : hidden.index_select(0, rows);
  }

  // Logits after the last new token of each part, [parts,V].
  at::Tensor forward(const std::vector<int64_t>& ids, std::vector<Advance> parts) {
    const at::Tensor hidden = read(ids, std::move(parts));
    const Span span("logits", "generate", hidden.size(0));
    return model_.logits_of(hidden).contiguous();
  }

  // One token for every active sequence.
  void advance() {
    const Phase phase("decode", "generate");
    record_count("sequences", static_cast<double>(active_.size()));
    std::vector<int64_t> ids;
    std::vector<Advance> parts;
    for (Sequence& sequence : active_) {
      ids.push_back(sequence.sample.ids.back());
      parts.push_back({.own = &sequence.own, .prefix = &sequence.prompt->cache, .num_tokens = 1});
    }
    const at::Tensor logits = forward(ids, std::move(parts));
    std::vector<DrawRequest> requests;
    for (std::size_t i = 0; i < active_.size(); ++i)
      requests.push_back(
          request(active_[i], logits.const_data_ptr<float>() + static_cast<int64_t>(i) * logits.size(1)));
    take(std::exchange(active_, {}), requests);
  }

  DrawRequest request(const Sequence& sequence, const float* logits) const {
    return {.logits = logits,
            .seen = sequence.seen ? &*sequence.seen : nullptr,
            .seed = sequence.seed,
            .step = static_cast<int64_t>(sequence.sample.ids.size())};
  }

  // Draws a token for each; those that go on become active, the others are handed out.
  void take(std::vector<Sequence> sequences, const std::vector<DrawRequest>& requests) {
    std::vector<kernels::Draw> draws;
    if (sampling_.max_new_tokens > 0) draws = draw_all(requests, model_.config().vocab_size, sampling_);
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      if (draws.empty() || !goes_on(sequences[i], draws[i])) {
        end(sequences[i]);
      } else {
        active_.push_back(std::move(sequences[i]));
      }
    }
  }

  bool goes_on(Sequence& sequence, const kernels::Draw& draw) {
    Sample& sample = sequence.sample;
    if (std::find(source_.eos_ids.begin(), source_.eos_ids.end(), draw.id) != source_.eos_ids.end()) {
      sample.finish = Finish::kEndOfText;
      return false;
    }
    sample.ids.push_back(draw.id);
    sequence.log_probs.push_back(draw.log_prob);
    if (sequence.seen) sequence.seen->add(draw.id);
    if (sequence.text.add(draw.id)) return false;
    return static_cast<int64_t>(sample.ids.size()) < sampling_.max_new_tokens;
  }

  void end(Sequence& sequence) {
    Sample sample = std::move(sequence.sample);
    sequence.text.finish();
    if (sequence.text.stopped()) {
      sample.finish = Finish::kStop;
      sample.ids.resize(static_cast<std::size_t>(sequence.text.num_tokens()));
    }
    sample.text = sequence.text.text();
    for (std::size_t i = 0; i < sample.ids.size(); ++i) sample.log_prob += sequence.log_probs[i];
    on_sample_(std::move(sample));
  }

  int32_t begin_of_text() const {
    const auto& config = model_.config();
    return config.bos_token_id ? static_cast<int32_t>(*config.bos_token_id) : *source_.tokenizer->spec().bos;
  }

  models::LanguageModel& model_;
  const models::Pretrained& source_;
  std::span<const Prompt> prompts_;
  const SamplingOptions& sampling_;
  std::size_t max_batch_;
  const std::function<void(Sample)>& on_sample_;
  KvPool pool_;
  std::shared_ptr<const KvPages> beginning_;  // of all prompts; none where they share too little
  std::size_t prompt_ = 0;                    // the next sample to begin is sample_ of prompt_
  int64_t sample_ = 0;
  std::vector<std::shared_ptr<Started>> started_;  // prompt_ and those after it that are computed
  std::vector<Sequence> active_;
};

}  // namespace

void generate(const models::Pretrained& source, std::span<const Prompt> prompts, const SamplingOptions& sampling,
              const BatchOptions& batch, const std::function<void(Sample)>& on_sample) {
  at::NoGradGuard no_grad;
  check(source.model->config(), *source.tokenizer, prompts, sampling);
  Scheduler(source, prompts, sampling, batch, on_sample).run();
}

}  // namespace limbeck::generate
