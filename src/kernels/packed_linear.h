// Matrix products with a weight that stays: packed once into the order in which the processor reads it, in fp32 or
// bf16. A row of the result has the same bits whatever the other rows of the batch, their number and the number of
// threads: each output is one chain of fused multiply-adds over k in order. That is what makes samples independent of
// their batch.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

enum class Format { kFp32, kBf16 };  // of stored numbers; sums are fp32 in either

class PackedWeight {
 public:
  // w [n,k], row-major, as nn::Linear holds it. kBf16 rounds the weights, and each x that is multiplied with them, to
  // bf16.
  static std::shared_ptr<const PackedWeight> pack(const float* w, int64_t n, int64_t k, Format format);
  static std::shared_ptr<const PackedWeight> pack(const BFloat16* w, int64_t n, int64_t k, Format format);
  virtual ~PackedWeight() = default;

  virtual int64_t n() const = 0;
  virtual int64_t k() const = 0;
  // The weights as they are used, unpacked again: [n,k].
  virtual void unpack(float* w) const = 0;

  // x [m,k] · wᵀ [k,n] + bias [n] -> y [m,n], row-major without gaps. bias may be null. y must not overlap x.
  virtual void multiply(const float* x, int64_t m, float* y, const float* bias = nullptr) const = 0;
  virtual void multiply(const float* x, int64_t m, BFloat16* y, const float* bias = nullptr) const = 0;
  virtual void multiply(const BFloat16* x, int64_t m, float* y, const float* bias = nullptr) const = 0;
  virtual void multiply(const BFloat16* x, int64_t m, BFloat16* y, const float* bias = nullptr) const = 0;
};

}  // namespace limbeck::kernels
