#include "objectives/hidden_states.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join

#include "base/errors.h"

namespace limbeck::objectives {
namespace {

struct States {
  at::Tensor student, teacher;  // [N,D], fp32 or fp64
};

States paired_states(const char* where, const at::Tensor& student, const at::Tensor& teacher) {
  if (student.dim() != 2 || student.sizes() != teacher.sizes() || student.size(1) == 0)
    fail(where,
         "expected states [N,D] of student and teacher alike (a projection leads to the teacher's width) but "
         "received {} and {}",
         fmt::join(student.sizes(), "x"), fmt::join(teacher.sizes(), "x"));
  const auto type = student.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return {student.to(type), teacher.detach().to(type)};
}

at::Tensor normalised(const at::Tensor& x) {  // [B,D] -> rows of length 1
  return x / x.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
}

}  // namespace

Term hidden_mse(const at::Tensor& student, const at::Tensor& teacher, const std::optional<PaddedCount>& padded) {
  const States states = paired_states("hidden_mse", student, teacher);
  double count = static_cast<double>(student.size(0));
  if (padded) {
    const double whole = static_cast<double>(padded->documents) * static_cast<double>(padded->length);
    if (whole < count)
      fail("hidden_mse", "expected at most {} documents x {} tokens but received {}", padded->documents, padded->length,
           student.size(0));
    count = whole;
  }
  const at::Tensor sum = at::mse_loss(states.student, states.teacher, at::Reduction::Sum);
  return {.name = "hidden", .sum = sum / static_cast<double>(student.size(1)), .count = count};
}

Term cosine_distance(const at::Tensor& student, const at::Tensor& teacher) {
  const States states = paired_states("cosine_distance", student, teacher);
  const at::Tensor cosine = at::cosine_similarity(states.student, states.teacher, 1, 1e-8);
  return {.name = "cosine", .sum = (1 - cosine).sum(), .count = static_cast<double>(student.size(0))};
}

Term patient_distance(const at::Tensor& student, const at::Tensor& teacher, const std::vector<int64_t>& offsets) {
  if (offsets.empty() || offsets.back() != student.size(0))
    fail("patient_distance", "expected offsets of {} tokens but they end at {}", student.size(0),
         offsets.empty() ? 0 : offsets.back());
  const at::Tensor first = at::tensor(std::vector<int64_t>(offsets.begin(), offsets.end() - 1), at::kLong);
  const States states =
      paired_states("patient_distance", student.index_select(0, first), teacher.index_select(0, first));
  return {.name = "patient",
          .sum = (normalised(states.student) - normalised(states.teacher)).square().sum(),
          .count = static_cast<double>(first.size(0))};
}

}  // namespace limbeck::objectives
