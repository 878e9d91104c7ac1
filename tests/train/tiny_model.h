// A model of two tensors for tests of the loop: next-token prediction from the current token alone.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "base/run.h"
#include "base/seeds.h"
#include "data/batch.h"
#include "objectives/cross_entropy.h"
#include "train/fit.h"

namespace limbeck::train {

struct TinyModel {
  static constexpr int64_t kVocabulary = 30, kWidth = 8;
  at::Tensor embedding, weight, bias;

  TinyModel() {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(11);
    embedding = (at::randn({kVocabulary, kWidth}, generator) * 0.3).requires_grad_(true);
    weight = (at::randn({kVocabulary, kWidth}, generator) * 0.3).requires_grad_(true);
    bias = at::zeros({kWidth}).requires_grad_(true);
  }
  Trainable trainable() {
    return {.parameters = {{"embedding", &embedding}, {"weight", &weight}, {"bias", &bias}}, .weights_changed = {}};
  }
  Step step() {
    return [this](const data::Batch& batch) {
      const auto hidden = at::tanh(embedding.index_select(0, batch.ids) + bias);
      return objectives::Loss{{objectives::cross_entropy(hidden, weight, batch.targets, batch.weights)}};
    };
  }
  std::vector<at::Tensor> weights() const { return {embedding.detach(), weight.detach(), bias.detach()}; }
};

inline bool same_bytes(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!a[i].equal(b[i])) return false;
  return true;
}

// Texts that count upwards from a random token, of random length: a task that the model can learn.
inline std::vector<data::Example> counting_texts(int64_t count) {
  Random random{Seed(5)};
  std::vector<data::Example> examples;
  for (int64_t i = 0; i < count; ++i) {
    data::Example example{.index = i};
    const auto length = 3 + random.below(12);
    auto token = static_cast<int32_t>(random.below(TinyModel::kVocabulary));
    for (uint64_t t = 0; t < length; ++t, token = (token + 1) % TinyModel::kVocabulary) example.ids.push_back(token);
    example.weights.assign(length, 1);
    example.weights[1] = i % 3 == 0 ? 0 : 1;
    examples.push_back(example);
  }
  return examples;
}

inline Run open_run(const std::filesystem::path& folder) {
  return Run::open(folder, "test", "", {}, Seed(9));
}

}  // namespace limbeck::train
