#include "models/fresh_weights.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>  // std::pow, std::sin, std::cos

namespace limbeck::models {
namespace {

// Normal with mean 0. Each block of elements has its own derived seed, so any number of threads gives the same weights.
void fill_normal(at::Tensor& tensor, double deviation, Seed seed) {
  constexpr int64_t kBlock = 1 << 14;
  float* data = tensor.mutable_data_ptr<float>();
  const int64_t n = tensor.numel(), blocks = (n + kBlock - 1) / kBlock;
#pragma omp parallel for schedule(static)
  for (int64_t block = 0; block < blocks; ++block) {
    Random random(seed.derive(static_cast<uint64_t>(block)));
    const int64_t end = std::min(n, (block + 1) * kBlock);
    for (int64_t i = block * kBlock; i < end; ++i) data[i] = static_cast<float>(random.normal() * deviation);
  }
}

}  // namespace

void fill_fresh(const nn::NamedParameter& p, double initializer_range, Seed seed) {
  at::NoGradGuard no_grad;
  switch (p.traits.fresh) {
    case nn::Fresh::kOnes:
      p.tensor->fill_(1);
      break;
    case nn::Fresh::kZeros:
      p.tensor->zero_();
      break;
    case nn::Fresh::kNormal:
      fill_normal(*p.tensor, initializer_range * p.traits.deviation, seed.derive(p.name));
      break;
  }
}

void fill_sinusoidal(at::Tensor& table) {
  at::NoGradGuard no_grad;
  const int64_t positions = table.size(0), width = table.size(1);
  float* data = table.mutable_data_ptr<float>();
  for (int64_t t = 0; t < positions; ++t)
    for (int64_t i = 0; i < width; ++i) {
      const double exponent = 2 * static_cast<double>(i / 2) / static_cast<double>(width);
      const double angle = static_cast<double>(t) / std::pow(10000.0, exponent);
      data[t * width + i] = static_cast<float>(i % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
}

}  // namespace limbeck::models
