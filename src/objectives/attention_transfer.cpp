#include "objectives/attention_transfer.h"

#include <ATen/ATen.h>

#include "base/errors.h"

namespace limbeck::objectives {

Term attention_score_mse(const Relation& student, const Relation& teacher, const std::vector<int64_t>& offsets,
                         int64_t padded_length) {
  const at::Tensor sum = compare_relations(student, teacher, offsets, Compared::kScores);
  const auto heads = static_cast<double>(student.x.size(1));
  if (padded_length <= 0) return {.name = "attention", .sum = sum, .count = heads * num_pairs(offsets)};
  for (std::size_t i = 1; i < offsets.size(); ++i)
    if (offsets[i] - offsets[i - 1] > padded_length)
      fail("attention_score_mse", "expected documents of at most {} tokens, the padded length, but received {}",
           padded_length, offsets[i] - offsets[i - 1]);
  const auto documents = static_cast<double>(offsets.size() - 1), length = static_cast<double>(padded_length);
  return {.name = "attention", .sum = sum, .count = heads * documents * length * length};
}

Term attention_divergence(const Relation& student, const Relation& teacher, const std::vector<int64_t>& offsets) {
  return {.name = "attention",
          .sum = compare_relations(student, teacher, offsets, Compared::kProbabilities),
          .count = static_cast<double>(student.x.size(1) * student.x.size(0))};
}

}  // namespace limbeck::objectives
