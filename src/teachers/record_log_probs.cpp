#include "teachers/record_log_probs.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

#include "base/errors.h"
#include "base/interrupt.h"
#include "generate/top_log_probs.h"
#include "nn/attention_plan.h"

namespace limbeck::teachers {
namespace {

constexpr int64_t kLogitRows = 128;  // whose logits exist at once

void check_taught(const models::DecoderConfig& config, std::span<const TaughtText> texts) {
  std::vector<std::string> mistakes;
  for (std::size_t i = 0; i < texts.size() && mistakes.size() < 10; ++i) {
    const auto& ids = texts[i].ids;
    if (static_cast<int64_t>(ids.size()) > config.max_position_embeddings)
      mistakes.push_back(
          fmt::format("[record] text {}: expected at most {} tokens, the teacher's context, but received {}", i + 1,
                      config.max_position_embeddings, ids.size()));
    for (const int32_t id : ids)
      if (id < 0 || id >= config.vocab_size) {
        mistakes.push_back(fmt::format("[record] text {}: expected tokens from 0 to {} but received {}", i + 1,
                                       config.vocab_size - 1, id));
        break;
      }
  }
  if (!mistakes.empty()) throw UserErrors(std::move(mistakes));
}

// The predictions of all places of some texts, one text after another.
std::vector<generate::TopLogProbs> predictions_of(models::LanguageModel& teacher,
                                                  std::span<const TaughtText* const> texts, int64_t k) {
  std::vector<int64_t> ids, offsets = {0}, rows;
  for (const TaughtText* text : texts) {
    for (const int64_t place : text->places) rows.push_back(offsets.back() + place - 1);
    ids.insert(ids.end(), text->ids.begin(), text->ids.end());
    offsets.push_back(static_cast<int64_t>(ids.size()));
  }
  std::vector<generate::TopLogProbs> predictions(rows.size());
  if (rows.empty()) return predictions;
  const auto plan = nn::packed_causal(offsets);
  const at::Tensor hidden = teacher.forward(at::tensor(ids, at::kLong), *plan).hidden;
  const at::Tensor chosen = hidden.index_select(0, at::tensor(rows, at::kLong));
  const auto num_rows = static_cast<int64_t>(rows.size());
  for (int64_t begin = 0; begin < num_rows; begin += kLogitRows) {
    const int64_t count = std::min(kLogitRows, num_rows - begin);
    const at::Tensor logits = teacher.logits_of(chosen.narrow(0, begin, count)).contiguous();
    const float* row = logits.const_data_ptr<float>();
    const int64_t vocab_size = logits.size(1);
    bool finite = true;
#pragma omp parallel for reduction(&& : finite)
    for (int64_t i = 0; i < count; ++i) {
      try {  // an exception must not leave the loop
        predictions[static_cast<std::size_t>(begin + i)] = generate::top_log_probs(row + i * vocab_size, vocab_size, k);
      } catch (const Error&) {
        finite = false;
      }
    }
    if (!finite) fail("record", "expected finite logits from the teacher but received NaN or infinity");
  }
  return predictions;
}

}  // namespace

void record_log_probs(models::LanguageModel& teacher, std::span<const TaughtText> texts, int64_t max_batch_tokens,
                      LogProbWriter& writer, const std::function<void(int64_t num_done)>& on_text) {
  const at::NoGradGuard no_grad;
  check_taught(teacher.config(), texts);
  int64_t num_done = 0;
  for (std::size_t next = 0; next < texts.size();) {
    throw_if_interrupted("what was recorded is stored; run the same command again to go on");
    std::vector<const TaughtText*> batch;
    int64_t num_tokens = 0;
    for (; next < texts.size(); ++next) {
      if (writer.contains(texts[next].ids)) {
        on_text(++num_done);
        continue;
      }
      num_tokens += static_cast<int64_t>(texts[next].ids.size());
      if (!batch.empty() && num_tokens > max_batch_tokens) break;
      batch.push_back(&texts[next]);
    }
    const auto predictions = predictions_of(teacher, batch, writer.k());
    std::size_t first = 0;
    for (const TaughtText* text : batch) {
      writer.add(text->ids, text->places, std::span(predictions).subspan(first, text->places.size()));
      first += text->places.size();
      on_text(++num_done);
    }
  }
  writer.sync();
}

}  // namespace limbeck::teachers
