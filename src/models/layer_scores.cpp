#include "models/layer_scores.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>

#include "base/errors.h"

namespace limbeck::models {

void Contribution::add(const std::vector<at::Tensor>& hidden_states, const std::vector<int64_t>& offsets) {
  if (hidden_states.size() < 2 || (!sums_.empty() && sums_.size() + 1 != hidden_states.size()))
    fail("contribution", "expected the hidden states before and after each block but received {}",
         hidden_states.size());
  const at::NoGradGuard no_grad;
  sums_.resize(hidden_states.size() - 1);
  const bool first_only = tokens_ == Tokens::kFirst;
  const at::Tensor first = at::tensor(std::vector<int64_t>(offsets.begin(), offsets.end() - 1), at::kLong);
  const auto looked_at = [&](const at::Tensor& states) {
    return (first_only ? states.index_select(0, first) : states).to(at::kDouble);
  };
  at::Tensor before = looked_at(hidden_states[0]);
  for (std::size_t b = 0; b < sums_.size(); ++b) {
    const at::Tensor after = looked_at(hidden_states[b + 1]);
    sums_[b] += at::cosine_similarity(before, after, 1, 1e-8).sum().item<double>();
    before = after;
  }
  count_ += static_cast<double>(before.size(0));
}

std::vector<double> Contribution::scores() const {
  if (count_ == 0) fail("contribution", "expected texts to look at but received none");
  std::vector<double> means = sums_;
  for (double& mean : means) mean /= count_;
  return means;
}

std::optional<int64_t> block_of(std::string_view name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    int64_t number = 0;
    const auto [stop, error] = std::from_chars(name.data() + begin, name.data() + end, number);
    if (error == std::errc() && stop == name.data() + end && number >= 0) return number;
    begin = end + 1;
  }
  return std::nullopt;
}

std::vector<double> weight_scores(const std::vector<nn::NamedParameter>& parameters, int64_t num_blocks,
                                  WeightScore score) {
  struct Sums {
    double absolute = 0, plain = 0, squares = 0, count = 0;
  };
  std::vector<Sums> sums(static_cast<std::size_t>(num_blocks));
  for (const nn::NamedParameter& p : parameters) {
    const auto block = block_of(p.name);
    if (!block || *block >= num_blocks) continue;
    const at::Tensor weights = p.tensor->detach().to(at::kDouble);
    Sums& s = sums[static_cast<std::size_t>(*block)];
    s.absolute += weights.abs().sum().item<double>();
    s.plain += weights.sum().item<double>();
    s.squares += weights.square().sum().item<double>();
    s.count += static_cast<double>(weights.numel());
  }
  std::vector<double> scores;
  for (const Sums& s : sums) {
    if (s.count == 0)
      user_fail("layer choice", "expected weights of each of {} blocks but block {} has none of its own", num_blocks,
                scores.size());
    const double mean = s.plain / s.count;
    scores.push_back(score == WeightScore::kSum ? s.absolute : s.squares / s.count - mean * mean);
  }
  return scores;
}

}  // namespace limbeck::models
