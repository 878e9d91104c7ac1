// How the loss changes around given weights: probes of the flatness that weight averaging is said to find (Izmailov et
// al., arXiv:1803.05407; Lu et al., arXiv:2212.05956). Weights are moved, measured and put back bit for bit.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "base/seeds.h"
#include "train/fit.h"

namespace limbeck::train {

using LossHere = std::function<double()>;    // with the weights as they are
using GradientHere = std::function<void()>;  // leaves the gradient of that loss in .grad(), where there was none

struct NoiseOptions {
  std::vector<double> radii = {0.01, 0.05, 0.1};
  int64_t draws = 10;
};
// For each radius r the mean over draws of L(θ + r · ε · ‖θ_f‖ / ‖ε_f‖) - L(θ), ε normal: noise as large as the filter
// that it is added to (Li et al., arXiv:1712.09913, sec. 4). A filter is a row of a matrix, or a whole vector. The same
// draws serve every radius.
std::vector<double> loss_under_noise(const Trainable& model, const LossHere& loss, const NoiseOptions& options,
                                     Seed seed);

// L(θ + t · (θ' - θ)) for each t; `others` are θ', one tensor for each parameter that requires gradients, in their
// order.
std::vector<double> loss_along_line(const Trainable& model, const std::vector<at::Tensor>& others,
                                    const std::vector<double>& ts, const LossHere& loss);

struct CurvatureOptions {
  int64_t iterations = 20;
  double step = 1e-2;  // length of the move along the unit vector; central differences of gradients
};
// The largest eigenvalue (by size) of the loss's Hessian, by power iteration.
double largest_curvature(const Trainable& model, const GradientHere& gradient, const CurvatureOptions& options,
                         Seed seed);

}  // namespace limbeck::train
