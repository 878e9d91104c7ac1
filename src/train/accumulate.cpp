#include "train/accumulate.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/errors.h"
#include "base/phases.h"
#include "data/order.h"
#include "tensor/gradients.h"

namespace limbeck::train {
namespace {

struct Total {
  std::string name;
  double sum = 0, count = 0, weight = 1;
};

void add(std::vector<Total>& totals, const objectives::Loss& loss, bool first) {
  if (!first && totals.size() != loss.terms.size())
    fail("fit", "expected {} loss terms in every forward pass but received {}", totals.size(), loss.terms.size());
  for (std::size_t i = 0; i < loss.terms.size(); ++i) {
    const objectives::Term& term = loss.terms[i];
    if (first) totals.push_back({.name = term.name, .weight = term.weight});
    totals[i].sum += term.sum.item<double>();
    totals[i].count += term.count;
  }
}

bool same_counts(const objectives::Loss& loss) {
  return std::all_of(loss.terms.begin(), loss.terms.end(),
                     [&](const auto& term) { return term.count == loss.terms.front().count; });
}

data::Batch collate_part(const std::vector<data::Example>& examples, const std::vector<int64_t>& batch,
                         const std::vector<int64_t>& part) {
  const Phase phase("data", "train");
  std::vector<data::Example> chosen;
  for (const int64_t i : part) chosen.push_back(examples[batch[i]]);
  return data::collate(chosen);
}

objectives::Loss forward(const Step& step, const data::Batch& batch) {
  const Phase phase("forward", "train");
  return step(batch);
}

// Σ weight · sum, each divided by its count where this is the whole batch and the counts differ.
void backward(const objectives::Loss& loss, bool divide) {
  const Phase phase("backward", "train");
  at::Tensor whole;
  for (const objectives::Term& term : loss.terms) {
    const double factor = divide ? term.weight / term.count : term.weight;
    if (!term.sum.requires_grad() || factor == 0) continue;
    const at::Tensor part = factor == 1 ? term.sum : term.sum * factor;
    whole = whole.defined() ? whole + part : part;
  }
  const GradientsInPlace in_place;
  if (whole.defined()) whole.backward();
}

}  // namespace

Accumulated accumulate_gradients(const std::vector<data::Example>& examples, const std::vector<int64_t>& batch,
                                 int64_t micro_batch_tokens, const Step& step, const std::function<void()>& between) {
  std::vector<int64_t> lengths;
  for (const int64_t index : batch) lengths.push_back(static_cast<int64_t>(examples[index].ids.size()));
  const auto parts = data::split_by_tokens(lengths, micro_batch_tokens);

  Accumulated result;
  std::vector<Total> totals;
  bool divided = false;
  for (const auto& part : parts) {
    between();
    const data::Batch micro_batch = collate_part(examples, batch, part);
    const objectives::Loss loss = forward(step, micro_batch);
    divided = !same_counts(loss);
    if (divided && parts.size() > 1)
      fail("fit",
           "expected loss terms with one count when a batch is cut into {} forward passes; raise micro_batch_tokens "
           "above "
           "{} so that it is not cut",
           parts.size(), micro_batch_tokens);
    backward(loss, divided);
    add(totals, loss, &part == &parts.front());
    result.num_tokens += micro_batch.ids.numel();
  }
  for (const Total& total : totals) {
    if (total.count <= 0)
      fail("fit",
           "loss term '{}': expected something to count in the batch of examples {}, ... but nothing in it has a loss",
           total.name, batch.front());
    result.terms.emplace_back(total.name, total.sum / total.count);
    result.loss += total.weight * total.sum / total.count;
  }
  if (totals.empty()) fail("fit", "expected at least one loss term but received none");
  result.gradient_scale = divided ? 1 : 1 / totals.front().count;
  return result;
}

}  // namespace limbeck::train
