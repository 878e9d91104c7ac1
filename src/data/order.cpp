#include "data/order.h"

#include <algorithm>
#include <numeric>  // std::iota

#include "base/errors.h"

namespace limbeck::data {

Order::Order(int64_t num_examples, int64_t batch_size, Seed seed)
    : num_examples_(num_examples), batch_size_(batch_size), seed_(seed), shuffled_(num_examples) {
  if (num_examples < 1 || batch_size < 1)
    fail("order", "expected at least one example a batch but received {} examples and batches of {}", num_examples,
         batch_size);
}

std::vector<int64_t> Order::batch(int64_t step) {
  const int64_t epoch = step / steps_per_epoch(), begin = step % steps_per_epoch() * batch_size_;
  if (epoch != epoch_) {
    std::iota(shuffled_.begin(), shuffled_.end(), 0);
    Random(seed_.derive(epoch)).shuffle(shuffled_);
    epoch_ = epoch;
  }
  const int64_t end = std::min(begin + batch_size_, num_examples_);
  return {shuffled_.begin() + begin, shuffled_.begin() + end};
}

std::vector<std::vector<int64_t>> split_by_tokens(const std::vector<int64_t>& lengths, int64_t max_tokens) {
  std::vector<int64_t> longest_first(lengths.size());
  std::iota(longest_first.begin(), longest_first.end(), 0);
  std::stable_sort(longest_first.begin(), longest_first.end(),
                   [&](int64_t a, int64_t b) { return lengths[a] > lengths[b]; });

  // First fit of the longest ones finds how many parts there must be; giving each example to the emptiest part evens
  // them.
  const auto distribute = [&](std::size_t num_parts, bool evenly) {
    std::vector<std::vector<int64_t>> parts(num_parts);
    std::vector<int64_t> tokens(num_parts);
    for (const int64_t index : longest_first) {
      auto part = std::min_element(tokens.begin(), tokens.end());
      if (!evenly)
        part = std::find_if(tokens.begin(), tokens.end(),
                            [&](int64_t t) { return t == 0 || t + lengths[index] <= max_tokens; });
      if (part == tokens.end()) part = tokens.insert(part, 0), parts.emplace_back();
      *part += lengths[index];
      parts[part - tokens.begin()].push_back(index);
    }
    const bool fits = std::all_of(parts.begin(), parts.end(), [&](const auto& part) {
      return part.size() == 1 || tokens[&part - parts.data()] <= max_tokens;
    });
    return fits ? parts : std::vector<std::vector<int64_t>>{};
  };
  const auto first_fit = distribute(0, false);
  const auto even = distribute(first_fit.size(), true);
  return even.empty() ? first_fit : even;
}

}  // namespace limbeck::data
