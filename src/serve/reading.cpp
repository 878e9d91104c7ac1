#include "serve/reading.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "kernels/sampling.h"

namespace limbeck::serve {

int64_t Started::num_next(int64_t room) const {
  const int64_t end = end_of_beginning > 0 ? end_of_beginning : static_cast<int64_t>(from.job.ids.size());
  return std::min(end - cache.length(), room);
}

void tell_prompt(Started& one, models::LanguageModel& model, const at::Tensor& hidden) {
  if (!one.from.job.tell_prompt) return;
  constexpr int64_t kRows = 128;  // whose logits exist at once
  const auto& ids = one.from.job.ids;
  const int64_t count = hidden.size(0), first = one.cache.length() - count;
  const int64_t told = std::min(count, static_cast<int64_t>(ids.size()) - 1 - first);
  for (int64_t done = 0; done < told; done += kRows) {
    const int64_t some = std::min(kRows, told - done);
    const at::Tensor logits = model.logits_of(hidden.narrow(0, done, some)).contiguous();
    const int64_t vocab_size = logits.size(1);
    for (int64_t r = 0; r < some; ++r) {
      const float* row = logits.const_data_ptr<float>() + r * vocab_size;
      const int32_t id = ids[static_cast<std::size_t>(first + done + r + 1)];
      one.prompt.push_back({.id = id,
                            .log_prob = row[id] - kernels::log_sum_exp(row, vocab_size),
                            .top = generate::top_log_probs(row, vocab_size, one.from.job.top_log_probs)});
    }
  }
}

}  // namespace limbeck::serve
