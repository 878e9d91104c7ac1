// Weights that no longer change, packed for the processor (kernels/packed_linear.h and its kin).
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

#include "kernels/packed_linear.h"
#include "nn/linear.h"
#include "tensor/device.h"
#include "tensor/weight_format.h"

namespace limbeck::nn {

// What `weights` says for products of this precision.
WeightFormat resolved(WeightFormat weights, Precision precision);

// The blocks for a weight [out,in] where `asked` are wanted. A mixed file of 4-bit blocks holds some weights in finer
// ones (mostly the output weight): those are not rounded a second time.
WeightFormat blocks_for(const at::Tensor& weight, WeightFormat asked);

// weight [out,in] of any precision.
std::shared_ptr<const kernels::PackedWeight> pack_weight(const at::Tensor& weight, WeightFormat weights);
// In integers of 8 bits with a scale for each output (kernels/int8_linear.h).
std::shared_ptr<const kernels::PackedWeight> pack_int8_weight(const at::Tensor& weight);
using Packing = std::function<std::shared_ptr<const kernels::PackedWeight>(const at::Tensor& weight)>;

// What a step of a frozen model that fuses several layers holds of each of its products.
struct FrozenProduct {
  std::shared_ptr<const kernels::PackedWeight> weight;
  at::Tensor bias;  // [out] fp32, or undefined
  const float* bias_numbers() const { return bias.defined() ? bias.const_data_ptr<float>() : nullptr; }
};
// Folds the slots, packs, and leaves the layer without its masters, as Linear::freeze does.
FrozenProduct take_product(Linear& linear, const Packing& pack);
FrozenProduct take_product(JointLinear& linear, const Packing& pack);

}  // namespace limbeck::nn
