// Regression of a student's hidden states on a teacher's, token by token: TinyBERT's mean squared error (Jiao et al.,
// arXiv:1909.10351, eq. 8 and 9), DistilBERT's cosine distance (Sanh et al., arXiv:1910.01108, sec. 2), and PKD's
// distance of normalised sentence states (Sun et al., arXiv:1908.09355, eq. 7). A student of another width is led to
// the teacher's by an nn::Projections before. Nothing flows into the teacher.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "objectives/loss.h"

namespace limbeck::objectives {

// What a batch of `documents` padded to `length` tokens each would have been divided by. TinyBERT's official code pads
// every text to one length and takes the mean over padding too. Here padding does not exist: its own errors, which that
// mean also holds, are left out, and only the divisor can be the same.
struct PaddedCount {
  int64_t documents = 0, length = 0;
};

// student [N,D], teacher [N,D] -> Σ over tokens of mean over D of (student - teacher)²; count N, or documents · length.
Term hidden_mse(const at::Tensor& student, const at::Tensor& teacher,
                const std::optional<PaddedCount>& padded = std::nullopt);

// student [N,D], teacher [N,D] -> Σ over tokens of 1 - cos(student, teacher); count N.
Term cosine_distance(const at::Tensor& student, const at::Tensor& teacher);

// student [N,D], teacher [N,D], offsets of documents -> Σ over documents of ‖s/‖s‖ - t/‖t‖‖², s and t the states of the
// first token ([CLS]); count: documents.
Term patient_distance(const at::Tensor& student, const at::Tensor& teacher, const std::vector<int64_t>& offsets);

}  // namespace limbeck::objectives
