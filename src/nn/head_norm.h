// Norms of the single heads of queries and keys, before they are turned (Qwen3, Gemma 3; QK-norm of Henry et al. 2020,
// arXiv:2010.04245, with root mean squares).
#pragma once

#include <ATen/core/Tensor.h>

#include "nn/rms_norm.h"
#include "nn/rope.h"

namespace limbeck::nn {

// qkv [N, (H+2K)·E], as the joint product leaves it -> the same with each query head normalised by q_norm (of width E)
// and each key head by k_norm, in its dtype; computed in fp32. Differentiable.
at::Tensor norm_heads(const at::Tensor& qkv, const RmsNorm& q_norm, const RmsNorm& k_norm, const HeadCounts& counts);

}  // namespace limbeck::nn
