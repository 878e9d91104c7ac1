// How a frozen model keeps the weights of its products, as an option names it.
#pragma once

#include "base/fields.h"

namespace limbeck {

// kAsPrecision: in the precision of the products. kQ8_0 and kQ4_0: in ggml's blocks of 32 numbers
// (kernels/block_linear.h).
enum class WeightFormat { kAsPrecision, kFp32, kBf16, kQ8_0, kQ4_0 };

// The option "weights" of every verb that only reads a model.
void describe_weights(Fields& f, WeightFormat& weights);

}  // namespace limbeck
