// What the scored rules of models/layer_choice.h rank blocks by.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "nn/parameters.h"

namespace limbeck::models {

// How much a block leaves its input as it is: the mean cosine of input and output over sentences (Sajjad et al.,
// arXiv:2004.03844, sec. 3.2). At the first token ([CLS]) as there, or at every token.
class Contribution {
 public:
  enum class Tokens { kFirst, kAll };
  explicit Contribution(Tokens tokens = Tokens::kFirst) : tokens_(tokens) {}
  // hidden_states: L+1 of [N,D]; offsets of documents. Batches add up; the result does not depend on how they are cut.
  void add(const std::vector<at::Tensor>& hidden_states, const std::vector<int64_t>& offsets);
  std::vector<double> scores() const;  // one a block; throws when nothing was added

 private:
  Tokens tokens_;
  std::vector<double> sums_;
  double count_ = 0;
};

enum class WeightScore { kSum, kVariance };  // Σ |w|; the variance of all weights
// One a block, of the parameters whose names have the block's number. Throws where a block has none (shared weights).
std::vector<double> weight_scores(const std::vector<nn::NamedParameter>& parameters, int64_t num_blocks,
                                  WeightScore score);

// The block that a parameter belongs to by its name: "bert.encoder.layer.3.output.dense.weight" -> 3.
std::optional<int64_t> block_of(std::string_view parameter_name);

}  // namespace limbeck::models
