// The gradient of a training step on a small Llama, for tests of what it must not depend on.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "base/seeds.h"
#include "data/batch.h"
#include "models/formula_weights.h"
#include "train/accumulate.h"

namespace limbeck::recipes {

// Random texts of 2 to `longest` tokens of small_model; the first third of each is a prompt.
inline std::vector<data::Example> texts(int64_t count, int64_t longest = 30, uint64_t seed = 3) {
  Random random{Seed(seed)};
  std::vector<data::Example> examples;
  for (int64_t i = 0; i < count; ++i) {
    data::Example example{.index = i};
    const auto length = 2 + static_cast<int64_t>(random.below(static_cast<uint64_t>(longest - 1)));
    for (int64_t t = 0; t < length; ++t) {
      example.ids.push_back(static_cast<int32_t>(random.below(61)));
      example.weights.push_back(t * 3 < length ? 0.0f : 1.0f);  // a prompt
    }
    examples.push_back(example);
  }
  return examples;
}

// Of one optimiser batch, by parameter.
struct Gradient {
  double loss = 0;
  std::vector<at::Tensor> tensors;
};

inline Gradient gradient_of(models::LanguageModel& model, const std::vector<data::Example>& examples,
                            int64_t micro_batch_tokens, const train::Step& step) {
  for (const auto& p : models::parameters_of(model)) p.tensor->mutable_grad() = at::Tensor();
  std::vector<int64_t> all(examples.size());
  std::iota(all.begin(), all.end(), 0);
  const auto result = train::accumulate_gradients(examples, all, micro_batch_tokens, step);
  Gradient gradient{.loss = result.loss};
  for (const auto& p : models::parameters_of(model))
    gradient.tensors.push_back(p.tensor->grad() * result.gradient_scale);
  return gradient;
}

inline void expect_same(const Gradient& a, const Gradient& b, double tolerance, const std::string& what) {
  EXPECT_NEAR(a.loss, b.loss, tolerance * b.loss) << what;
  double difference = 0, whole = 0;
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    difference += (a.tensors[i] - b.tensors[i]).square().sum().item<double>();
    whole += b.tensors[i].square().sum().item<double>();
  }
  EXPECT_LT(std::sqrt(difference / whole), tolerance) << what;
}

}  // namespace limbeck::recipes
