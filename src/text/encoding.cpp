#include "text/encoding.h"

#include <algorithm>

#include "base/errors.h"

namespace limbeck::text {
namespace {

constexpr const char* kWhat = "tokenizer";

void cut(std::vector<int32_t>& ids, int64_t length, bool from_left) {
  if (int64_t(ids.size()) <= length) return;
  if (from_left) ids.erase(ids.begin(), ids.end() - length);
  ids.resize(std::size_t(length));
}

}  // namespace

void truncate(const Truncation& t, int64_t max_length, std::vector<int32_t>& a, std::vector<int32_t>* b) {
  const int64_t length_a = int64_t(a.size()), length_b = b ? int64_t(b->size()) : 0;
  const int64_t too_many = length_a + length_b - max_length;
  if (too_many <= 0) return;
  if (max_length == 0) {
    a.clear();
    if (b) b->clear();
    return;
  }
  if (t.strategy == Truncation::Strategy::kLongestFirst) {
    if (!b) return cut(a, max_length, t.from_left);
    // The longer one gives way until both are equal, then both do.
    int64_t shorter = std::min(length_a, length_b);
    int64_t longer = shorter > max_length ? shorter : std::max(shorter, max_length - shorter);
    if (shorter + longer > max_length) shorter = max_length / 2, longer = shorter + max_length % 2;
    cut(a, length_a > length_b ? longer : shorter, t.from_left);
    cut(*b, length_a > length_b ? shorter : longer, t.from_left);
    return;
  }
  const bool first = t.strategy == Truncation::Strategy::kOnlyFirst;
  if (!first && !b) user_fail(kWhat, "truncation of the second text: expected two texts but received one");
  std::vector<int32_t>& target = first ? a : *b;
  if (int64_t(target.size()) <= too_many)
    user_fail(kWhat, "truncation of the {} text: expected more than {} tokens to cut but received {}",
              first ? "first" : "second", too_many, target.size());
  cut(target, int64_t(target.size()) - too_many, t.from_left);
}

int64_t padded_length(const Padding& padding, int64_t longest) {
  int64_t length = padding.length.value_or(longest);
  const int64_t multiple = padding.multiple_of.value_or(0);
  if (multiple > 0 && length % multiple > 0) length += multiple - length % multiple;
  return length;
}

void pad(const Padding& padding, int64_t length, Encoding& encoding) {
  const int64_t missing = length - int64_t(encoding.ids.size());
  if (missing <= 0) return;
  const auto fill = [&](auto& values, auto value) {
    values.insert(padding.on_left ? values.begin() : values.end(), std::size_t(missing), value);
  };
  fill(encoding.ids, padding.id);
  fill(encoding.type_ids, padding.type_id);
  fill(encoding.mask, uint8_t(0));
}

}  // namespace limbeck::text
