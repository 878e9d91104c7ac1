// A job whose prompt counts as read, for tests of what comes after.
#pragma once

#include <memory>
#include <utility>

#include "generate/tiny_model.h"
#include "serve/reading.h"

namespace limbeck::serve {

inline std::shared_ptr<Started> started(Job job, generate::KvPool& pool) {
  const auto length = static_cast<int64_t>(job.ids.size());
  auto one = std::shared_ptr<Started>(
      new Started{.from = {.job = std::move(job), .first_choice = 5, .mailbox = std::make_shared<Mailbox>()},
                  .cache = generate::KvPages(pool)});
  one->cache.reserve(length);
  one->cache.set_length(length);
  return one;
}

}  // namespace limbeck::serve
