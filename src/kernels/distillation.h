// Divergence of a student's softmax from a teacher's, the student's cross-entropy, and the gradient of both: rows of
// logits, visited while they are in the cache. Nothing is stored beside the gradient, which takes the student's place.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

// p: the teacher's softmax(logits / temperature), q: the student's.
enum class Divergence {
  kForwardKl,     // KL(p ‖ q): knowledge distillation (Hinton et al., arXiv:1503.02531)
  kReverseKl,     // KL(q ‖ p): as in MiniLLM (arXiv:2306.08543), token by token
  kJensenShannon  // β KL(p ‖ m) + (1 - β) KL(q ‖ m), m = β p + (1 - β) q (GKD, arXiv:2306.13649, eq. 1)
};

struct Distillation {
  Divergence divergence = Divergence::kForwardKl;
  float temperature = 1;           // of the divergence; the cross-entropy is that of the logits as they are
  float beta = 0.5f;               // the teacher's share of the mixture m, above 0 and below 1
  float divergence_weight = 1;     // of the two in the gradient
  float cross_entropy_weight = 0;  // "
};

struct DistilledRow {
  double divergence = 0, cross_entropy = 0;  // unweighted
};

// A row of V student logits, the teacher's first V' <= V of the same tokens, the target, and the row's weight.
// The divergence is over the first V' tokens, the cross-entropy over all V. Afterwards the student's row holds
// weight · d(divergence_weight · divergence + cross_entropy_weight · cross_entropy) / d logits.
// Logits of -inf are tokens that cannot be; NaN and +inf give NaN.
DistilledRow distil(std::span<float> student, std::span<const float> teacher, int64_t target, float weight,
                    const Distillation& what);
DistilledRow distil(std::span<BFloat16> student, std::span<const float> teacher, int64_t target, float weight,
                    const Distillation& what);

// The losses alone; the row is left as it is.
DistilledRow distillation_losses(std::span<const float> student, std::span<const float> teacher, int64_t target,
                                 const Distillation& what);
DistilledRow distillation_losses(std::span<const BFloat16> student, std::span<const float> teacher, int64_t target,
                                 const Distillation& what);

}  // namespace limbeck::kernels
