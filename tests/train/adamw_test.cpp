#include "train/adamw.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/json.h"

namespace limbeck::train {
namespace {

at::Tensor tensor_of(const Json& json, at::ScalarType type) {
  std::vector<double> values;
  const bool matrix = json[0].is_array();
  for (const auto& row : json)
    if (matrix)
      for (const auto& x : row) values.push_back(x.get<double>());
    else
      values.push_back(row.get<double>());
  const auto flat = at::tensor(values, at::kDouble).to(type);
  return matrix ? flat.view({static_cast<int64_t>(json.size()), -1}).contiguous() : flat;
}

// torch.optim.AdamW in float64: tests/golden/scripts/make_adamw.py.
void expect_golden(at::ScalarType type, double tolerance) {
  const Json golden = read_json(LIMBECK_SOURCE_DIR "/tests/golden/train/adamw.json");
  const Json& o = golden["options"];
  const Options options{.learning_rate = o["learning_rate"],
                        .weight_decay = o["weight_decay"],
                        .beta1 = o["beta1"],
                        .beta2 = o["beta2"],
                        .epsilon = o["epsilon"],
                        .clip_norm = o["clip_norm"]};
  at::Tensor matrix = tensor_of(golden["matrix"], type).requires_grad_(true);
  at::Tensor vector = tensor_of(golden["vector"], type).requires_grad_(true);
  Adamw optimiser({{"matrix", &matrix}, {"vector", &vector}}, options);
  for (const Json& step : golden["steps"]) {
    matrix.mutable_grad() = tensor_of(step["matrix_gradient"], type) * 8;  // as if summed over 8 tokens
    vector.mutable_grad() = tensor_of(step["vector_gradient"], type) * 8;
    const double norm = optimiser.gradient_norm() / 8;
    EXPECT_NEAR(norm, step["norm"].get<double>(), tolerance);
    optimiser.step(options.learning_rate, std::min(1.0, options.clip_norm / (norm + 1e-6)) / 8);
    EXPECT_TRUE(at::allclose(matrix.detach(), tensor_of(step["matrix"], type), 0, tolerance)) << step["matrix"];
    EXPECT_TRUE(at::allclose(vector.detach(), tensor_of(step["vector"], type), 0, tolerance)) << step["vector"];
  }
}

TEST(Adamw, EqualsTorchOptimInFp32) {
  expect_golden(at::kFloat, 2e-6);
}
TEST(Adamw, EqualsTorchOptimInFloat64ThroughTensors) {
  expect_golden(at::kDouble, 1e-12);
}

// "BertAdam" of TinyBERT's official code (transformer/optimization.py), in float64 by hand: no bias correction, decay
// added to the update, the gradient of each tensor clipped to norm 1 by itself.
TEST(Adamw, IsBertsOptimiserWithoutBiasCorrectionAndWithEachTensorClipped) {
  const Options options{.learning_rate = 0.01,
                        .weight_decay = 0.01,
                        .epsilon = 1e-6,
                        .clip_norm = 1,
                        .bias_correction = false,
                        .clip = Clip::kEach};
  for (const auto& [type, tolerance] : {std::pair{at::kDouble, 1e-12}, {at::kFloat, 2e-6}}) {
    at::manual_seed(8);
    at::Tensor long_one = at::randn({3, 4}, type).requires_grad_(true),
               short_one = at::randn({5}, type).requires_grad_(true);
    Adamw optimiser({{"long", &long_one}, {"short", &short_one}}, options);
    std::vector<at::Tensor> p, m, v;
    for (const auto* t : {&long_one, &short_one}) {
      p.push_back(t->detach().to(at::kDouble).clone());
      m.push_back(at::zeros_like(p.back())), v.push_back(at::zeros_like(p.back()));
    }
    for (int step = 0; step < 4; ++step) {
      const std::vector<at::Tensor> gradients = {at::randn({3, 4}, type) * 5, at::randn({5}, type) * 0.01};
      long_one.mutable_grad() = gradients[0] * 8;  // as if summed over 8 examples
      short_one.mutable_grad() = gradients[1] * 8;
      std::vector<double> scales;
      for (const double norm : optimiser.gradient_norms()) scales.push_back(std::min(1.0, 1 / (norm / 8 + 1e-6)) / 8);
      optimiser.step(options.learning_rate, scales);
      for (std::size_t i = 0; i < 2; ++i) {
        at::Tensor g = gradients[i].to(at::kDouble);
        g = g * std::min(1.0, 1 / (g.norm().item<double>() + 1e-6));
        m[i] = m[i] * 0.9 + g * 0.1;
        v[i] = v[i] * 0.999 + g * g * 0.001;
        const at::Tensor update = m[i] / (v[i].sqrt() + 1e-6) + (i == 0 ? 0.01 : 0.0) * p[i];
        p[i] = p[i] - 0.01 * update;
      }
      EXPECT_TRUE(at::allclose(long_one.detach().to(at::kDouble), p[0], 0, tolerance));
      EXPECT_TRUE(at::allclose(short_one.detach().to(at::kDouble), p[1], 0, tolerance));
    }
  }
}

TEST(Adamw, TellsTheNormOfEachGradient) {
  at::Tensor a = at::ones({2, 2}).requires_grad_(true), b = at::ones({2}).requires_grad_(true);
  const Adamw optimiser({{"a", &a}, {"b", &b}}, {});
  a.mutable_grad() = at::full({2, 2}, 2.0f);
  EXPECT_EQ(optimiser.gradient_norms(), (std::vector<double>{4, 0}));
}

TEST(Adamw, LeavesParametersWithoutAGradientAndFrozenOnesAlone) {
  at::Tensor used = at::ones({2, 2}).requires_grad_(true), unused = at::ones({2, 2}).requires_grad_(true);
  at::Tensor frozen = at::ones({2, 2});
  Adamw optimiser({{"used", &used}, {"unused", &unused}, {"frozen", &frozen}}, {});
  EXPECT_EQ(optimiser.moments().size(), 4u);
  used.mutable_grad() = at::ones({2, 2});
  EXPECT_EQ(optimiser.gradient_norm(), 2);
  optimiser.step(0.1, 1);
  EXPECT_TRUE(unused.detach().equal(at::ones({2, 2})));
  EXPECT_FALSE(used.detach().equal(at::ones({2, 2})));
  EXPECT_THROW(Adamw({{"frozen", &frozen}}, {}), Error);
}

TEST(Adamw, GivesTheSameBytesOnAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  const auto weights_after = [](int num_threads) {
    at::set_num_threads(num_threads);
    at::manual_seed(1);
    at::Tensor weight = at::randn({700, 333}).requires_grad_(true);
    Adamw optimiser({{"weight", &weight}}, {});
    for (int i = 0; i < 3; ++i) {
      weight.mutable_grad() = at::randn({700, 333});
      optimiser.step(0.01, 1 / optimiser.gradient_norm());
    }
    return weight.detach().clone();
  };
  const auto one = weights_after(1), two = weights_after(2), five = weights_after(5);
  at::set_num_threads(threads);
  EXPECT_TRUE(one.equal(two));
  EXPECT_TRUE(one.equal(five));
}

TEST(Adamw, GoesOnFromItsMoments) {
  const auto run = [](int stop) {
    at::manual_seed(2);
    at::Tensor weight = at::randn({5, 5}).requires_grad_(true);
    auto optimiser = std::make_unique<Adamw>(std::vector<nn::NamedParameter>{{"weight", &weight}}, Options{});
    for (int i = 0; i < 6; ++i) {
      if (i == stop) {
        const at::NoGradGuard no_grad;
        auto next = std::make_unique<Adamw>(std::vector<nn::NamedParameter>{{"weight", &weight}}, Options{});
        const auto from = optimiser->moments(), to = next->moments();
        for (std::size_t m = 0; m < from.size(); ++m) at::Tensor(to[m].second).copy_(from[m].second);
        next->set_num_steps(optimiser->num_steps());
        optimiser = std::move(next);
      }
      weight.mutable_grad() = at::randn({5, 5});
      optimiser->step(0.1, 1);
    }
    return weight.detach().clone();
  };
  EXPECT_TRUE(run(3).equal(run(-1)));
}

}  // namespace
}  // namespace limbeck::train
