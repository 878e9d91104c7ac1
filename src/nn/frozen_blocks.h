// The blocks of an encoder of BERT's kind whose weights no longer change, as one step (kernels/encoder_blocks.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/activation.h"
#include "nn/weight_packing.h"
#include "tensor/device.h"

namespace limbeck::nn {

struct FrozenBlock {
  FrozenProduct queries_keys_values, attention_out, in, out;
  at::Tensor attention_norm_weight, attention_norm_bias, norm_weight, norm_bias;  // [D] fp32
};

struct FrozenBlocks {
  int64_t heads = 0;
  double epsilon = 0;
  Activation activation = Activation::kGelu;
  Precision precision = Precision::kFp32;  // of what stands between products
  std::vector<FrozenBlock> blocks;

  // x [N,D] fp32 -> the same after the blocks of `order`, one after the other. documents: offsets 0, …, N.
  at::Tensor forward(const at::Tensor& x, const std::vector<int64_t>& documents,
                     const std::vector<int64_t>& order) const;
  // One block; queries_keys_values becomes [N,3D] in that precision.
  at::Tensor forward(const at::Tensor& x, const std::vector<int64_t>& documents, int64_t block,
                     at::Tensor& queries_keys_values) const;
};

}  // namespace limbeck::nn
