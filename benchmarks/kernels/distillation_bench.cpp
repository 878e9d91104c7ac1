// Divergence from a teacher, cross-entropy and their gradient of 256 rows of logits over the vocabulary of SmolLM2,
// rows shared by threads as objectives/ does; beside log_softmax, kl_div and cross_entropy through autograd.
#include "kernels/distillation.h"

#include <ATen/Parallel.h>

#include <cmath>  // std::log
#include <memory>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kRows = 256, kVocabulary = 49152;
constexpr double kNumbers = static_cast<double>(kRows) * kVocabulary;
using kernels::Divergence;

struct Lesson {
  explicit Lesson(at::ScalarType type)
      : student(normal({kRows, kVocabulary}, type)),
        teacher(normal({kRows, kVocabulary}, at::kFloat)),
        targets(at::randint(kVocabulary, {kRows}, at::kLong)) {}
  at::Tensor student, teacher, targets;
};

// Rows become their gradient; the next call takes that as logits, which costs the same.
Body ours(at::ScalarType type, Divergence divergence) {
  return [lesson = std::make_shared<Lesson>(type), type, divergence] {
    const kernels::Distillation what{.divergence = divergence, .cross_entropy_weight = 1};
    const int64_t* targets = lesson->targets.const_data_ptr<int64_t>();
    const float* teacher = lesson->teacher.const_data_ptr<float>();
    at::parallel_for(0, kRows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const std::span<const float> taught(teacher + row * kVocabulary, kVocabulary);
        if (type == at::kBFloat16) {
          auto* numbers = static_cast<kernels::BFloat16*>(lesson->student.data_ptr()) + row * kVocabulary;
          kernels::distil(std::span<kernels::BFloat16>(numbers, kVocabulary), taught, targets[row], 1.0f, what);
        } else {
          float* numbers = fp32(lesson->student) + row * kVocabulary;
          kernels::distil(std::span<float>(numbers, kVocabulary), taught, targets[row], 1.0f, what);
        }
      }
    });
  };
}

Body composed(at::ScalarType type, Divergence divergence) {
  auto lesson = std::make_shared<Lesson>(type);
  lesson->student.requires_grad_();
  return [lesson, divergence] {
    lesson->student.mutable_grad() = at::Tensor();
    const at::Tensor log_q = at::log_softmax(lesson->student.to(at::kFloat), 1),
                     log_p = at::log_softmax(lesson->teacher, 1);
    at::Tensor loss;
    if (divergence == Divergence::kForwardKl) {
      loss = at::kl_div(log_q, log_p, at::Reduction::Sum, /*log_target=*/true);
    } else {
      const at::Tensor log_m = at::logaddexp(log_p, log_q) - std::log(2.0);
      loss = 0.5 *
             (at::kl_div(log_m, log_p, at::Reduction::Sum, true) + at::kl_div(log_m, log_q, at::Reduction::Sum, true));
    }
    (loss + at::nll_loss(log_q, lesson->targets, {}, at::Reduction::Sum)).backward();
  };
}

const Pair kForwardFp32(
    "distillation/256x49152 forward KL fp32", {.bytes_read = kNumbers * 8, .bytes_written = kNumbers * 4},
    [] { return ours(at::kFloat, Divergence::kForwardKl); },
    [] { return composed(at::kFloat, Divergence::kForwardKl); });
const Pair kForwardBf16(
    "distillation/256x49152 forward KL bf16", {.bytes_read = kNumbers * 6, .bytes_written = kNumbers * 2},
    [] { return ours(at::kBFloat16, Divergence::kForwardKl); },
    [] { return composed(at::kBFloat16, Divergence::kForwardKl); });
const Pair kMixtureBf16(
    "distillation/256x49152 Jensen-Shannon bf16", {.bytes_read = kNumbers * 6, .bytes_written = kNumbers * 2},
    [] { return ours(at::kBFloat16, Divergence::kJensenShannon); },
    [] { return composed(at::kBFloat16, Divergence::kJensenShannon); });

}  // namespace
}  // namespace limbeck::benchmarks
