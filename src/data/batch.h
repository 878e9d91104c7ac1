// A batch is a ragged run of tokens: documents one after another, without padding.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace limbeck::data {

// One training example: a document, or several that belong together (the choices of a question, the two texts of a
// bi-encoder), one after another. weights[i] is how much predicting ids[i] from its prefix counts (0 for a masked
// prompt token). What else is known of it (its label) its owner finds by `index`.
struct Example {
  std::vector<int32_t> ids;
  std::vector<float> weights;    // same length, weights[0] is never used; empty: nothing is predicted from a prefix
  int64_t index = 0;             // in the data set
  std::vector<int32_t> types;    // token type ids (which text of a pair), same length; empty: all 0
  std::vector<int64_t> further;  // where its second, third, ... document begins in ids; empty: it is one
};

struct Batch {
  at::Tensor ids;                // [N] int64
  std::vector<int64_t> offsets;  // documents: offsets[i] .. offsets[i+1], last N
  at::Tensor targets;            // [N] int64: the next token of the same document, -100 where none or weight 0
  at::Tensor weights;            // [N] fp32: weight of that target
  std::vector<int64_t> indices;  // Example::index of each example
  double num_targets = 0;        // sum of weights
  at::Tensor types;              // [N] int64; undefined: all 0
  std::vector<int64_t> firsts;   // documents of example i: firsts[i] .. firsts[i+1], last the number of documents
};

Batch collate(const std::vector<Example>& examples);

}  // namespace limbeck::data
