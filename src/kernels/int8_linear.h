// Products with weights of 8 bits with one scale for each output, the form in which encoders are served on processors:
// w is round(w / scale) with the scale that makes the row's largest number 127. The other factor, x, is rounded for
// each of its rows in the same way when it comes ("dynamic quantisation"). Sums are exact int32, so a row of the result
// has the same bits whatever the other rows of the batch and the number of threads.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/packed_linear.h"

namespace limbeck::kernels {

// A row of a matrix as integers of -127 to 127: numbers are integers · scale.
float round_to_int8(const float* x, int64_t k, int8_t* integers);  // returns the scale; 0 for a row of zeros

// integers [n,k], scales [n].
std::shared_ptr<const PackedWeight> pack_int8(const int8_t* integers, const float* scales, int64_t n, int64_t k);

}  // namespace limbeck::kernels
