#include "objectives/classification.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "base/errors.h"

namespace limbeck::objectives {
namespace {

constexpr int64_t kNone = -100;

at::Tensor in_full(const at::Tensor& values) {
  return values.scalar_type() == at::kDouble ? values : values.to(at::kFloat);
}

// Indices of the labelled rows; throws for a label that is no class.
at::Tensor labelled_rows(const at::Tensor& labels, int64_t num_rows, int64_t num_classes) {
  if (labels.dim() != 1 || labels.numel() != num_rows || labels.scalar_type() != at::kLong)
    fail("class_cross_entropy", "expected one label for each of {} rows but received {}", num_rows, labels.numel());
  const at::Tensor ours = labels.contiguous();
  const int64_t* label = ours.const_data_ptr<int64_t>();
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < num_rows; ++i) {
    if (label[i] == kNone) continue;
    if (label[i] < 0 || label[i] >= num_classes)
      fail("class_cross_entropy", "row {}: expected a label from 0 to {} but received {}", i, num_classes - 1,
           label[i]);
    rows.push_back(i);
  }
  return at::tensor(rows, at::kLong);
}

// Σ over labelled rows of the smoothed cross-entropy, from log-probabilities [R,C]; those of -inf take no part.
Term from_log_probs(const at::Tensor& log_probs, const at::Tensor& labels, const at::Tensor& rows, double smoothing,
                    const char* name) {
  if (rows.numel() == 0) return {.name = name, .sum = log_probs.sum() * 0, .count = 0};
  const at::Tensor kept = log_probs.index_select(0, rows), targets = labels.index_select(0, rows);
  at::Tensor sum = -kept.gather(1, targets.unsqueeze(1)).sum();
  if (smoothing > 0) sum = sum * (1 - smoothing) - kept.mean(1).sum() * smoothing;
  return {.name = name, .sum = sum, .count = static_cast<double>(rows.numel())};
}

}  // namespace

Term class_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, const ClassOptions& options) {
  if (logits.dim() != 2 || logits.size(1) < 1)
    fail("class_cross_entropy", "expected logits of [rows, classes] but received {} dimensions", logits.dim());
  const at::Tensor rows = labelled_rows(labels, logits.size(0), logits.size(1));
  return from_log_probs(in_full(logits).log_softmax(1), labels, rows, options.smoothing, "cross_entropy");
}

Term score_squared_error(const at::Tensor& predicted, const at::Tensor& scores) {
  if (predicted.numel() != scores.numel())
    fail("score_squared_error", "expected one score for each of {} rows but received {}", predicted.numel(),
         scores.numel());
  const at::Tensor known = scores.isnan().logical_not().nonzero().squeeze(1);
  const at::Tensor ours = in_full(predicted).reshape({-1});
  const at::Tensor difference = ours.index_select(0, known) - scores.to(ours.scalar_type()).index_select(0, known);
  return {.name = "squared_error", .sum = difference.square().sum(), .count = static_cast<double>(known.numel())};
}

at::Tensor ragged_log_softmax(const at::Tensor& values, const std::vector<int64_t>& offsets) {
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != values.numel() ||
      !std::is_sorted(offsets.begin(), offsets.end()))
    fail("ragged_log_softmax", "expected offsets from 0 to {} but received others", values.numel());
  const int64_t num_rows = static_cast<int64_t>(offsets.size()) - 1;
  int64_t longest = 0;
  for (int64_t i = 0; i < num_rows; ++i) longest = std::max(longest, offsets[i + 1] - offsets[i]);
  const at::Tensor places = at::zeros({num_rows, longest}, at::kLong),
                   outside = at::ones({num_rows, longest}, at::kBool);
  int64_t* place = places.mutable_data_ptr<int64_t>();
  bool* out = outside.mutable_data_ptr<bool>();
  for (int64_t i = 0; i < num_rows; ++i)
    for (int64_t t = 0; t < offsets[i + 1] - offsets[i]; ++t)
      place[i * longest + t] = offsets[i] + t, out[i * longest + t] = false;
  const at::Tensor rows = in_full(values).reshape({-1}).index_select(0, places.reshape({-1})).view({num_rows, longest});
  return rows.masked_fill(outside, -std::numeric_limits<double>::infinity()).log_softmax(1);
}

Term choice_cross_entropy(const at::Tensor& scores, const std::vector<int64_t>& firsts, const at::Tensor& labels) {
  const at::Tensor log_probs = ragged_log_softmax(scores, firsts);
  const at::Tensor ours = labels.contiguous();
  const int64_t* label = ours.const_data_ptr<int64_t>();
  for (std::size_t i = 0; i + 1 < firsts.size(); ++i)
    if (label[i] != kNone && label[i] >= firsts[i + 1] - firsts[i])
      fail("choice_cross_entropy", "example {}: expected one of {} choices but received {}", i,
           firsts[i + 1] - firsts[i], label[i]);
  const at::Tensor rows = labelled_rows(labels, log_probs.size(0), log_probs.size(1));
  return from_log_probs(log_probs, labels, rows, 0, "choice_cross_entropy");
}

Term span_cross_entropy(const at::Tensor& logits, const std::vector<int64_t>& offsets, const at::Tensor& begins,
                        const at::Tensor& ends) {
  if (logits.dim() != 2 || logits.size(1) != 2)
    fail("span_cross_entropy", "expected logits of [tokens, 2] but received {} dimensions", logits.dim());
  const Term begin = choice_cross_entropy(logits.select(1, 0), offsets, begins);
  const Term end = choice_cross_entropy(logits.select(1, 1), offsets, ends);
  return {.name = "span_cross_entropy", .sum = (begin.sum + end.sum) / 2, .count = begin.count};
}

}  // namespace limbeck::objectives
