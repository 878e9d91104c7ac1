#include "kernels/adamw.h"

#include <algorithm>
#include <cmath>

#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kBlock = 1024;  // squares summed in fp32 lanes before they join the double sum

LIMBECK_ROW_CLONES float squares_of_block(const float* x, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum;
}

}  // namespace

LIMBECK_ROW_CLONES void adamw(float* parameter, const float* gradient, float* m, float* v, int64_t n,
                              const AdamwCoefficients& c) {
  const float keep = 1 - c.learning_rate * c.weight_decay;
  const float step = c.learning_rate / c.correction1, root = 1 / std::sqrt(c.correction2);
  const float beta1 = c.beta1, beta2 = c.beta2, epsilon = c.epsilon, scale = c.gradient_scale;
  const float rest1 = 1 - beta1, rest2 = 1 - beta2;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * scale;
    const float mi = beta1 * m[i] + rest1 * g;
    const float vi = beta2 * v[i] + rest2 * (g * g);
    m[i] = mi;
    v[i] = vi;
    parameter[i] = keep * parameter[i] - step * mi / (__builtin_sqrtf(vi) * root + epsilon);
  }
}

double sum_of_squares(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i += kBlock) sum += squares_of_block(x + i, std::min(kBlock, n - i));
  return sum;
}

}  // namespace limbeck::kernels
