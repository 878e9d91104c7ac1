#include "text/same_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace limbeck::text {
namespace {

std::optional<std::string> token_difference(const Tokenizer& first, const Tokenizer& second) {
  const int64_t shared = std::min(first.vocab_size(), second.vocab_size());
  int64_t count = 0;
  int32_t where = 0;
  for (int64_t i = shared; i-- > 0;) {
    const auto id = static_cast<int32_t>(i);
    if (first.token_bytes(id) == second.token_bytes(id)) continue;
    ++count;
    where = id;
  }
  if (count == 0) return std::nullopt;
  return fmt::format("token {} is '{}' in the first and '{}' in the second ({} of {} differ)", where,
                     printable(first.token_bytes(where)), printable(second.token_bytes(where)), count, shared);
}

}  // namespace

std::optional<std::string> vocabulary_difference(const Tokenizer& first, const Tokenizer& second) {
  if (auto difference = token_difference(first, second)) return difference;
  const auto &a = first.spec().merges, &b = second.spec().merges;
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() && y == b.end()) return std::nullopt;
  if (x == a.end() || y == b.end())
    return fmt::format("the first merges {} pairs of tokens and the second {}", a.size(), b.size());
  return fmt::format("merge {} joins '{}' and '{}' in the first but '{}' and '{}' in the second", x - a.begin(),
                     printable(x->first), printable(x->second), printable(y->first), printable(y->second));
}

}  // namespace limbeck::text
