#include "serve/job_limits.h"

#include <algorithm>

#include "base/errors.h"
#include "kernels/decode_attention.h"  // kernels::kPositionsPerPage

namespace limbeck::serve {

int64_t positions_of(const Job& job) {
  return static_cast<int64_t>(job.ids.size()) + kernels::kPositionsPerPage +
         job.num_samples * (job.sampling.max_new_tokens + kernels::kPositionsPerPage);
}

void check_job(const Job& job, const models::DecoderConfig& config, const EngineOptions& options) {
  const auto size = static_cast<int64_t>(job.ids.size());
  if (size == 0) user_fail("prompt", "expected at least one token but received none");
  if (job.sampling.max_new_tokens < (job.tell_prompt ? 0 : 1))
    user_fail("max_tokens", "expected at least 1 but received {}", job.sampling.max_new_tokens);
  for (const int32_t id : job.ids)
    if (id < 0 || id >= config.vocab_size)
      user_fail("prompt", "expected tokens from 0 to {} but received {}", config.vocab_size - 1, id);
  if (size + job.sampling.max_new_tokens > config.max_position_embeddings)
    user_fail("prompt", "expected at most {} tokens (the context of {} less max_tokens {}) but received {}",
              std::max<int64_t>(0, config.max_position_embeddings - job.sampling.max_new_tokens),
              config.max_position_embeddings, job.sampling.max_new_tokens, size);
  if (job.num_samples < 1 || job.num_samples > options.max_batch)
    user_fail("n", "expected 1 to {} samples (the batch) but received {}", options.max_batch, job.num_samples);
  if (positions_of(job) > options.cache_tokens)
    user_fail("prompt", "the request could need {} positions, and the server keeps {}; ask for less n or max_tokens",
              positions_of(job), options.cache_tokens);
}

}  // namespace limbeck::serve
