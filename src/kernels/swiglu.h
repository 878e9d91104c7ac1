// silu(gate) · up of rows that hold the gate and then the up values, as one product of both projections leaves them.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

// gate_up [rows, 2·width] -> y [rows, width]. Computed in fp32.
void swiglu(const float* gate_up, float* y, int64_t rows, int64_t width);
void swiglu(const BFloat16* gate_up, BFloat16* y, int64_t rows, int64_t width);

// dy [rows, width] -> dgate_up [rows, 2·width], and once more y [rows, width], the bits of swiglu(), where y is not
// null.
void swiglu_gradient(const float* gate_up, const float* dy, float* dgate_up, float* y, int64_t rows, int64_t width);
void swiglu_gradient(const BFloat16* gate_up, const BFloat16* dy, BFloat16* dgate_up, BFloat16* y, int64_t rows,
                     int64_t width);

}  // namespace limbeck::kernels
