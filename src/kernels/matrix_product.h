// The products of training, forward and backward: c = a·b or c += a·b, fp32 or bf16 in and fp32 or bf16 out, sums in
// fp32. Both operands are read as they lie, whichever of their sides is contracted, and brought into the order of the
// register tiles a cache-sized block at a time. An output is one chain of multiply-adds in the order of what is
// contracted, so neither threads nor the other rows change a bit of it.
//
// Against LibTorch (MKL, oneDNN) on processors where both have AVX-512: fp32 goes at the full width on AMD too, where
// MKL uses half of it, and gradients of weights are added up in fp32 in place.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

enum class Contracted {
  kWithinRows,  // element p of row i stands at numbers[i·stride + p]
  kAcrossRows,  // at numbers[p·stride + i]
};

template <class Number>
struct Operand {
  const Number* numbers = nullptr;
  int64_t stride = 0;
  Contracted contracted = Contracted::kWithinRows;
};

template <class Number>
struct MatrixProduct {
  int64_t m = 0, n = 0, k = 0;  // c [m,n] from a [m,k] and b [k,n]
  Operand<Number> a, b;         // row i of a; column j of b
  Operand<float> b_wide;        // instead of a bf16 b: rounded on its way into the tiles
  const float* bias = nullptr;  // [n], or null
  float* c = nullptr;           // one of the two
  BFloat16* c_low = nullptr;
  int64_t c_stride = 0;
  bool add = false;  // to what stands in c (fp32 only)
};

void multiply(const MatrixProduct<float>& product);
void multiply(const MatrixProduct<BFloat16>& product);

// Whether these are the fastest products to be had here: the processor has AVX-512 (BF16), and not AMX, which oneDNN
// uses.
bool products_are_fast(bool bf16);

}  // namespace limbeck::kernels
