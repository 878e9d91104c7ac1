// Which blocks of an encoder go: the rules of "Poor Man's BERT" (Sajjad et al., arXiv:2004.03844) and controls beside
// them. The same choice starts the students of layer-drop, distilbert and tinybert. Blocks are counted from 0, the
// lowest first; models::keep_layers makes a model of those that stay.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/seeds.h"

namespace limbeck::models {

// N blocks, K of them go.
enum class DropRule {
  kTop,                // the last K
  kBottom,             // the first K
  kAlternateOdd,       // of the 1st, 3rd, 5th, … the topmost K
  kAlternateEven,      // of the 2nd, 4th, 6th, … the topmost K
  kSymmetric,          // the middle K; of an odd number that stays one more is below
  kSpaced,             // so that evenly spaced ones stay, first and last among them (DistilBERT keeps 0 2 4 7 9 11)
  kContribution,       // the K that change their input least: largest cosine of input and output
  kParameterSum,       // the K whose weights have the smallest sum of absolute values
  kParameterVariance,  // the K whose weights vary least
  kRandom,             // K at random
  kGiven,
};
std::vector<std::pair<std::string, DropRule>> drop_rules();  // spelled as options spell them

struct LayerChoiceOptions {
  DropRule rule = DropRule::kTop;
  int64_t drop = 0;            // K
  std::vector<int64_t> given;  // with kGiven
  void describe(Fields& f);
};

bool needs_scores(DropRule rule);

// Ascending. `scores`: one a block for the rules that need them (models/layer_scores.h); between equal ones the upper
// block goes. Throws UserError when K blocks cannot go by that rule.
std::vector<int64_t> blocks_to_drop(int64_t num_blocks, const LayerChoiceOptions& options,
                                    const std::vector<double>& scores = {}, Seed seed = Seed(0));
std::vector<int64_t> blocks_to_keep(int64_t num_blocks, const std::vector<int64_t>& dropped);  // the others, ascending

}  // namespace limbeck::models
