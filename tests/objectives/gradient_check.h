// The gradient of a scalar function beside central differences, for tests in float64.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <string>

namespace limbeck::objectives {

// loss: a scalar of `x` (float64, requires gradients).
inline void expect_true_gradient(at::Tensor x, const std::function<at::Tensor()>& loss, const std::string& what = "",
                                 double tolerance = 1e-6) {
  const at::Tensor gradient = torch::autograd::grad({loss()}, {x})[0].contiguous();
  const at::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  auto* value = x.data_ptr<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double before = value[i];
    value[i] = before + kStep;
    const double above = loss().item<double>();
    value[i] = before - kStep;
    const double below = loss().item<double>();
    value[i] = before;
    const double expected = (above - below) / (2 * kStep);
    EXPECT_NEAR(gradient.const_data_ptr<double>()[i], expected, tolerance * (1 + std::abs(expected)))
        << what << " at " << i;
  }
}

}  // namespace limbeck::objectives
