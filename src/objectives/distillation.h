// Distillation of a teacher's next-token distribution over the whole vocabulary (Hinton et al., arXiv:1503.02531), with
// the cross-entropy of the targets from the same logits. Chunked: of the student there are a chunk's logits at a time,
// of the teacher a few dozen rows'. Rows without a target or weight are not computed.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "kernels/distillation.h"
#include "objectives/chunks.h"
#include "objectives/loss.h"

namespace limbeck::objectives {

using Divergence = kernels::Divergence;

struct DistillationOptions {
  Divergence divergence = Divergence::kForwardKl;
  double temperature = 1;           // T of the divergence; T² keeps gradients comparable when it is in the weight
  double beta = 0.5;                // the teacher's share in the Jensen-Shannon mixture
  double divergence_weight = 1;     // of the divergence in the whole
  double cross_entropy_weight = 0;  // of the targets' negative log-probability in the whole
};

// The teacher's logits [C,V'] of some rows [C] (ascending indices into N), fp32 or fp64; called without gradients.
using TeacherLogits = std::function<at::Tensor(const at::Tensor& rows)>;
// From the teacher's hidden states [N,D'] and its output weight [V',D'].
TeacherLogits teacher_logits(at::Tensor hidden, at::Tensor weight);

// hidden [N,D], weight [V,D], targets [N] int64 (-100: none), weights [N] -> three terms over the same rows:
//   "loss"           Σ wᵢ·(divergence_weight·Dᵢ + cross_entropy_weight·CEᵢ), differentiable
//   "divergence", "cross_entropy"   Σ wᵢ·Dᵢ and Σ wᵢ·CEᵢ, for the log: their weight in the loss is 0
// The divergence is over the tokens that both have, 0 … min(V,V')-1; the cross-entropy over the student's.
Loss distillation(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                  const at::Tensor& weights, const TeacherLogits& teacher, const DistillationOptions& options,
                  const ChunkOptions& chunks = {});

}  // namespace limbeck::objectives
