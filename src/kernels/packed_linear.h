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

// What is done to the sums before they are written.
struct Epilogue {
  Epilogue(const float* bias = nullptr) : bias(bias) {}
  Epilogue(const float* bias, bool gelu) : bias(bias), gelu(gelu) {}
  const float* bias = nullptr;  // [n], or null
  bool gelu = false;            // x Φ(x) of what is written
};

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

  // x [m,k] · wᵀ [k,n], then the epilogue (a bias) -> y [m,n], row-major without gaps. y must not overlap x.
  virtual void multiply(const float* x, int64_t m, float* y, const Epilogue& after = {}) const = 0;
  virtual void multiply(const float* x, int64_t m, BFloat16* y, const Epilogue& after = {}) const = 0;
  virtual void multiply(const BFloat16* x, int64_t m, float* y, const Epilogue& after = {}) const = 0;
  virtual void multiply(const BFloat16* x, int64_t m, BFloat16* y, const Epilogue& after = {}) const = 0;
};

}  // namespace limbeck::kernels
