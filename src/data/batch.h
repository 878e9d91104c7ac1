// A batch is a ragged run of tokens: documents one after another, without padding.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace limbeck::data {

// One training text. weights[i] is how much predicting ids[i] from its prefix counts (0 for a masked prompt token).
struct Example {
  std::vector<int32_t> ids;
  std::vector<float> weights;  // same length; weights[0] is never used
  int64_t index = 0;           // in the data set
};

struct Batch {
  at::Tensor ids;                // [N] int64
  std::vector<int64_t> offsets;  // documents: offsets[i] .. offsets[i+1], last N
  at::Tensor targets;            // [N] int64: the next token of the same document, -100 where none or weight 0
  at::Tensor weights;            // [N] fp32: weight of that target
  std::vector<int64_t> indices;  // Example::index of each document
  double num_targets = 0;        // sum of weights
};

Batch collate(const std::vector<Example>& examples);

}  // namespace limbeck::data
