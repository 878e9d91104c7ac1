#include "nn/projections.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <string>

#include "base/errors.h"

namespace limbeck::nn {

Projections::Projections(const Shape& shape, Seed seed) : shape_(shape) {
  if (shape.in < 1 || shape.out < 1 || shape.states < 1)
    fail("projections", "expected widths and a number of states above 0 but received {}, {} and {}", shape.in,
         shape.out, shape.states);
  const at::NoGradGuard no_grad;
  const int64_t count = shape.sharing == Sharing::kShared ? 1 : shape.states;
  for (int64_t i = 0; i < count; ++i) {
    Linear& linear = linears_.emplace_back(Linear::Shape{.in = shape.in, .out = shape.out, .bias = true});
    Random random(seed.derive(static_cast<uint64_t>(i)));
    float* weight = linear.weight().mutable_data_ptr<float>();
    for (int64_t j = 0; j < linear.weight().numel(); ++j)
      weight[j] = static_cast<float>(random.normal() * shape.deviation);
    linear.bias().zero_();
  }
}

at::Tensor Projections::forward(int64_t state, const at::Tensor& x) {
  if (state < 0 || state >= shape_.states)
    fail("projections", "expected a state of 0 to {} but received {}", shape_.states - 1, state);
  return linears_[shape_.sharing == Sharing::kShared ? 0 : static_cast<std::size_t>(state)].forward(x);
}

void Projections::parameters(Parameters& p) {
  if (shape_.sharing == Sharing::kShared) return p.group("projection", linears_[0]);
  p.inside("projections", [&] {
    for (std::size_t i = 0; i < linears_.size(); ++i) p.group(std::to_string(i), linears_[i]);
  });
}

void Projections::set_precision(Precision precision) {
  for (Linear& linear : linears_) linear.set_precision(precision);
}

void Projections::weights_changed() {
  for (Linear& linear : linears_) linear.weights_changed();
}

}  // namespace limbeck::nn
