// The gradient of one optimiser batch, computed in forward passes of bounded size. Losses are sums, divided once by the
// whole batch's count: how the batch is cut does not change the result.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "train/fit.h"

namespace limbeck::train {

struct Accumulated {
  double loss = 0;                                    // Σ weight · sum / count over the whole batch
  std::vector<std::pair<std::string, double>> terms;  // sum / count of each
  double gradient_scale = 1;                          // the parameters' gradients times this are those of the loss
  int64_t num_tokens = 0;
};

// Adds to the gradients of whatever `step` touches. between() is called before every forward pass. Where terms count
// different things and the batch is cut, their counts are needed before the first backward pass: then the other parts
// go forward without gradients first, which a larger micro_batch_tokens saves. Throws when nothing in the batch has a
// loss.
Accumulated accumulate_gradients(
    const std::vector<data::Example>& examples, const std::vector<int64_t>& batch, int64_t micro_batch_tokens,
    const Step& step, const std::function<void()>& between = [] {});

}  // namespace limbeck::train
