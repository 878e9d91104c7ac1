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

bool learned(const objectives::Term& term) {
  return term.weight != 0;
}

// Whether everything that is learned counts one thing.
bool same_counts(const objectives::Loss& loss) {
  const auto first = std::find_if(loss.terms.begin(), loss.terms.end(), learned);
  return std::all_of(loss.terms.begin(), loss.terms.end(),
                     [&](const auto& term) { return !learned(term) || term.count == first->count; });
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

// Of a batch that is gone through part by part.
class Parts {
 public:
  Parts(const std::vector<data::Example>& examples, const std::vector<int64_t>& batch,
        std::vector<std::vector<int64_t>> parts, const Step& step, const std::function<void()>& between)
      : examples_(examples), batch_(batch), parts_(std::move(parts)), step_(step), between_(between) {}

  Accumulated accumulate() {
    Accumulated result;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      between_();
      const data::Batch micro_batch = collate_part(examples_, batch_, parts_[i]);
      const objectives::Loss loss = forward(step_, micro_batch);
      if (i == 0 && !same_counts(loss)) find_counts(loss);
      if (counts_.empty() && !same_counts(loss))
        fail("fit",
             "expected loss terms with one count, as in the forward pass before, but received several; raise "
             "micro_batch_tokens so that a batch of {} examples is not cut",
             batch_.size());
      backward(loss);
      add(totals_, loss, i == 0);
      result.num_tokens += micro_batch.ids.numel();
    }
    finish(result);
    return result;
  }

 private:
  // The counts of the whole batch, the first part's loss being there.
  void find_counts(const objectives::Loss& first) {
    std::vector<Total> totals;
    add(totals, first, true);
    const at::NoGradGuard no_grad;
    for (std::size_t i = 1; i < parts_.size(); ++i) {
      between_();
      add(totals, forward(step_, collate_part(examples_, batch_, parts_[i])), false);
    }
    for (const Total& total : totals) {
      expect_something(total);
      counts_.push_back(total.count);
    }
  }

  // Σ weight · sum, each divided by its count where these are known.
  void backward(const objectives::Loss& loss) const {
    const Phase phase("backward", "train");
    at::Tensor whole;
    for (std::size_t i = 0; i < loss.terms.size(); ++i) {
      const objectives::Term& term = loss.terms[i];
      const double factor = counts_.empty() ? term.weight : term.weight / counts_[i];
      if (!term.sum.requires_grad() || factor == 0) continue;
      const at::Tensor part = factor == 1 ? term.sum : term.sum * factor;
      whole = whole.defined() ? whole + part : part;
    }
    const GradientsInPlace in_place;
    if (whole.defined()) whole.backward();
  }

  void expect_something(const Total& total) const {
    if (total.count <= 0)
      fail("fit",
           "loss term '{}': expected something to count in the batch of examples {}, ... but nothing in it has a loss",
           total.name, batch_.front());
  }

  void finish(Accumulated& result) const {
    if (totals_.empty()) fail("fit", "expected at least one loss term but received none");
    double count = 0;
    for (const Total& total : totals_) {
      expect_something(total);
      result.terms.emplace_back(total.name, total.sum / total.count);
      result.loss += total.weight * total.sum / total.count;
      if (count == 0 && total.weight != 0) count = total.count;
    }
    result.gradient_scale = counts_.empty() && count > 0 ? 1 / count : 1;
  }

  const std::vector<data::Example>& examples_;
  const std::vector<int64_t>& batch_;
  const std::vector<std::vector<int64_t>> parts_;
  const Step& step_;
  const std::function<void()>& between_;
  std::vector<Total> totals_;   // of the parts so far
  std::vector<double> counts_;  // of the whole batch, where terms count different things
};

}  // namespace

Accumulated accumulate_gradients(const std::vector<data::Example>& examples, const std::vector<int64_t>& batch,
                                 int64_t micro_batch_tokens, const Step& step, const std::function<void()>& between) {
  std::vector<int64_t> lengths;
  for (const int64_t index : batch) lengths.push_back(static_cast<int64_t>(examples[index].ids.size()));
  return Parts(examples, batch, data::split_by_tokens(lengths, micro_batch_tokens), step, between).accumulate();
}

}  // namespace limbeck::train
