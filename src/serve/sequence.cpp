#include "serve/sequence.h"

#include <algorithm>
#include <utility>

namespace limbeck::serve {
namespace {

using generate::Finish;

Token token_of(const kernels::Draw& draw, const float* logits, int64_t vocab_size, int64_t top) {
  return {.id = draw.id,
          .log_prob = draw.log_prob,
          .top = top > 0 ? generate::top_log_probs(logits, vocab_size, top) : generate::TopLogProbs{}};
}

}  // namespace

Sequence new_sequence(const std::shared_ptr<Started>& of, int64_t index, generate::KvPool& pool,
                      const models::Pretrained& source) {
  const Job& job = of->from.job;
  Sequence sequence{.of = of,
                    .index = index,
                    .own = generate::KvPages(pool),
                    .seed = job.seed.derive(static_cast<uint64_t>(index)),
                    .text = generate::GrowingText(source.tokenizer, job.sampling.stop)};
  if (job.sampling.repetition_penalty != 1) {
    sequence.seen.emplace(source.model->config().vocab_size);
    for (const int32_t id : job.ids) sequence.seen->add(id);
  }
  return sequence;
}

bool goes_on(Sequence& sequence, const kernels::Draw& draw, const float* logits, const models::Pretrained& source) {
  const Job& job = sequence.job();
  std::optional<Finish> finish;
  if (std::find(source.eos_ids.begin(), source.eos_ids.end(), draw.id) != source.eos_ids.end()) {
    finish = Finish::kEndOfText;
  } else {
    sequence.ids.push_back(draw.id);
    if (sequence.seen) sequence.seen->add(draw.id);
    if (job.top_log_probs >= 0)
      sequence.untold.push_back(token_of(draw, logits, source.model->config().vocab_size, job.top_log_probs));
    if (sequence.text.add(draw.id)) {
      finish = Finish::kStop;
    } else if (static_cast<int64_t>(sequence.ids.size()) == job.sampling.max_new_tokens) {
      finish = Finish::kLength;
    }
  }
  const auto num_drawn = static_cast<int64_t>(sequence.ids.size()) + (finish == Finish::kEndOfText ? 1 : 0);
  if (finish) sequence.text.finish();
  if (finish && sequence.text.stopped()) finish = Finish::kStop;
  Piece piece{.choice = sequence.choice(),
              .text = sequence.text.take(),
              .tokens = std::exchange(sequence.untold, {}),
              .finish = finish,
              .num_drawn = num_drawn,
              .num_kept = sequence.text.num_tokens()};
  if (finish || !piece.text.empty() || !piece.tokens.empty()) sequence.of->from.mailbox->put(std::move(piece));
  return !finish;
}

}  // namespace limbeck::serve
