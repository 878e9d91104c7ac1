#include "models/layer_choice.h"

#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "models/language_model.h"  // evenly_spaced_layers

namespace limbeck::models {
namespace {

constexpr const char* kWhere = "layer choice";

std::vector<int64_t> range(int64_t begin, int64_t end) {
  std::vector<int64_t> blocks(static_cast<std::size_t>(std::max<int64_t>(0, end - begin)));
  std::iota(blocks.begin(), blocks.end(), begin);
  return blocks;
}

// The topmost K of every second block.
std::vector<int64_t> every_second(int64_t first, int64_t num_blocks, int64_t drop) {
  std::vector<int64_t> blocks;
  for (int64_t b = first; b < num_blocks; b += 2) blocks.push_back(b);
  if (drop > static_cast<int64_t>(blocks.size()))
    user_fail(kWhere, "expected at most {} blocks to drop of every second one of {} but received {}", blocks.size(),
              num_blocks, drop);
  return {blocks.end() - drop, blocks.end()};
}

// The K blocks with the largest score.
std::vector<int64_t> highest(const std::vector<double>& scores, int64_t num_blocks, int64_t drop) {
  if (static_cast<int64_t>(scores.size()) != num_blocks)
    fail(kWhere, "expected a score for each of {} blocks but received {}", num_blocks, scores.size());
  std::vector<int64_t> blocks = range(0, num_blocks);
  std::stable_sort(blocks.begin(), blocks.end(), [&](int64_t a, int64_t b) {
    const double x = scores[static_cast<std::size_t>(a)], y = scores[static_cast<std::size_t>(b)];
    return x != y ? x > y : a > b;
  });
  return {blocks.begin(), blocks.begin() + drop};
}

std::vector<double> negative(std::vector<double> scores) {
  for (double& score : scores) score = -score;
  return scores;
}

std::vector<int64_t> at_random(int64_t num_blocks, int64_t drop, Seed seed) {
  std::vector<int64_t> blocks = range(0, num_blocks);
  Random random(seed);
  random.shuffle(blocks);
  return {blocks.begin(), blocks.begin() + drop};
}

void check_given(int64_t num_blocks, std::vector<int64_t> given, int64_t drop) {
  std::sort(given.begin(), given.end());
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] < 0 || given[i] >= num_blocks)
      user_fail(kWhere, "expected blocks of 0 to {} but received {}", num_blocks - 1, given[i]);
    if (i > 0 && given[i] == given[i - 1])
      user_fail(kWhere, "expected each block once but received {} twice", given[i]);
  }
  if (drop != 0 && drop != static_cast<int64_t>(given.size()))
    user_fail(kWhere, "expected {} given blocks, as many as are to be dropped, but received {}", drop, given.size());
}

}  // namespace

std::vector<std::pair<std::string, DropRule>> drop_rules() {
  return {{"top", DropRule::kTop},
          {"bottom", DropRule::kBottom},
          {"alternate-odd", DropRule::kAlternateOdd},
          {"alternate-even", DropRule::kAlternateEven},
          {"symmetric", DropRule::kSymmetric},
          {"spaced", DropRule::kSpaced},
          {"contribution", DropRule::kContribution},
          {"parameter-sum", DropRule::kParameterSum},
          {"parameter-variance", DropRule::kParameterVariance},
          {"random", DropRule::kRandom},
          {"given", DropRule::kGiven}};
}

void LayerChoiceOptions::describe(Fields& f) {
  f("rule", rule,
    "which blocks go: the last, the first, every second (odd or even, counted from 1), the middle ones, those between "
    "evenly spaced ones, those that change their input least, those with the smallest or least varying weights, some "
    "at "
    "random, or those in given",
    drop_rules());
  f("drop", drop, "how many blocks go (K)", at_least(0));
  f("given", given, "with rule=given: the blocks that go, counted from 0", at_least(0));
}

bool needs_scores(DropRule rule) {
  return rule == DropRule::kContribution || rule == DropRule::kParameterSum || rule == DropRule::kParameterVariance;
}

std::vector<int64_t> blocks_to_drop(int64_t num_blocks, const LayerChoiceOptions& options,
                                    const std::vector<double>& scores, Seed seed) {
  const bool given = options.rule == DropRule::kGiven;
  const int64_t drop = given ? static_cast<int64_t>(options.given.size()) : options.drop;
  if (given) check_given(num_blocks, options.given, options.drop);
  if (drop < 0 || drop >= num_blocks)
    user_fail(kWhere, "expected 0 to {} of {} blocks to drop, so that one stays, but received {}", num_blocks - 1,
              num_blocks, drop);
  const int64_t stay = num_blocks - drop, below = (stay + 1) / 2;
  std::vector<int64_t> blocks;
  switch (options.rule) {
    case DropRule::kTop:
      blocks = range(stay, num_blocks);
      break;
    case DropRule::kBottom:
      blocks = range(0, drop);
      break;
    case DropRule::kAlternateOdd:
      blocks = every_second(0, num_blocks, drop);
      break;
    case DropRule::kAlternateEven:
      blocks = every_second(1, num_blocks, drop);
      break;
    case DropRule::kSymmetric:
      blocks = range(below, below + drop);
      break;
    case DropRule::kSpaced:
      blocks = blocks_to_keep(num_blocks, evenly_spaced_layers(num_blocks, stay));
      break;
    case DropRule::kContribution:
      blocks = highest(scores, num_blocks, drop);
      break;
    case DropRule::kParameterSum:
    case DropRule::kParameterVariance:
      blocks = highest(negative(scores), num_blocks, drop);
      break;
    case DropRule::kRandom:
      blocks = at_random(num_blocks, drop, seed);
      break;
    case DropRule::kGiven:
      blocks = options.given;
      break;
  }
  std::sort(blocks.begin(), blocks.end());
  return blocks;
}

std::vector<int64_t> blocks_to_keep(int64_t num_blocks, const std::vector<int64_t>& dropped) {
  std::vector<int64_t> kept;
  for (int64_t b = 0; b < num_blocks; ++b)
    if (std::find(dropped.begin(), dropped.end(), b) == dropped.end()) kept.push_back(b);
  return kept;
}

}  // namespace limbeck::models
