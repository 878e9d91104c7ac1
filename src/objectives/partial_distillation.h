// Distillation from a teacher's most likely tokens and the mass of all others, as a store of log-probabilities keeps
// them: the Kullback-Leibler divergence of the teacher from the student over the partition {token 1}, …, {token k},
// {the rest}. By the data processing inequality it is at most the divergence over the whole vocabulary, and equal to it
// where student and teacher share the rest out alike. Without the rest, the k tokens alone would push the student's
// mass onto them. At temperature 1: the rest at another temperature is not known.
#pragma once

#include <ATen/core/Tensor.h>

#include "objectives/chunks.h"
#include "objectives/loss.h"

namespace limbeck::objectives {

// Of N rows, each up to K tokens.
struct PartialTeacher {
  at::Tensor ids;        // [N,K] int64; -1 where a row has fewer
  at::Tensor log_probs;  // [N,K]; not read where there is no id
  at::Tensor rest;       // [N] mass of all other tokens; 0: none, nothing is learned about them
};

struct PartialDistillationOptions {
  double divergence_weight = 1;     // of the divergence in the whole
  double cross_entropy_weight = 0;  // of the targets' negative log-probability in the whole
};

// hidden [N,D], weight [V,D], targets [N] int64 (-100: none), weights [N] -> the three terms of distillation():
//   "loss"           Σ wᵢ·(divergence_weight·Dᵢ + cross_entropy_weight·CEᵢ), differentiable
//   "divergence", "cross_entropy"   Σ wᵢ·Dᵢ and Σ wᵢ·CEᵢ, for the log: their weight in the loss is 0
Loss partial_distillation(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                          const at::Tensor& weights, const PartialTeacher& teacher,
                          const PartialDistillationOptions& options, const ChunkOptions& chunks = {});

}  // namespace limbeck::objectives
