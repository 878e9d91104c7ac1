// In which order examples are seen, and how an optimiser batch is cut into forward passes. A function of the seed and
// the step alone, so that a run that goes on needs no generator state.
#pragma once

#include <cstdint>
#include <vector>

#include "base/seeds.h"

namespace limbeck::data {

// Every epoch sees each example once, shuffled anew; the last batch of an epoch may be smaller.
class Order {
 public:
  Order(int64_t num_examples, int64_t batch_size, Seed seed);
  int64_t steps_per_epoch() const { return (num_examples_ + batch_size_ - 1) / batch_size_; }
  std::vector<int64_t> batch(int64_t step);  // indices of the examples of this step, counted from 0

 private:
  int64_t num_examples_, batch_size_, epoch_ = -1;
  Seed seed_;
  std::vector<int64_t> shuffled_;  // of epoch_
};

// Cuts a batch into as few parts as keep to max_tokens (an example longer than that stands alone), about even, longest
// examples first. lengths[i] tokens of example i -> indices into lengths.
std::vector<std::vector<int64_t>> split_by_tokens(const std::vector<int64_t>& lengths, int64_t max_tokens);

}  // namespace limbeck::data
