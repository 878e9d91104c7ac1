// Compares a model with what Transformers computed: rows of tests/golden/models/variants.json and architectures.json,
// made by tests/golden/scripts/make_model_golden.py.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/json.h"
#include "models/config.h"
#include "models/formula_weights.h"
#include "models/golden_path.h"
#include "tensor/gradients.h"

namespace limbeck::models {

// The rows of some architectures, at least one of each.
inline std::vector<Json> golden_rows(const std::string& file, const std::vector<std::string>& model_types) {
  std::vector<Json> rows;
  for (const Json& row : read_json(golden("models/" + file)))
    if (std::count(model_types.begin(), model_types.end(), row.at("config").at("model_type").get<std::string>()) > 0)
      rows.push_back(row);
  EXPECT_GE(rows.size(), model_types.size()) << file;
  return rows;
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

inline at::Tensor golden_logits(const Json& row) {
  const auto values = row.at("logits").get<std::vector<float>>();
  return at::tensor(values).view({static_cast<int64_t>(row.at("ids").size()), -1});
}

inline at::Tensor golden_ids(const Json& row) {
  return ids_tensor(row.at("ids").get<std::vector<int64_t>>());
}

inline std::shared_ptr<LanguageModel> golden_model(const Json& row, const char* config = "config") {
  auto model = make_decoder(read_config(row.at(config), config));
  fill_by_formula(*model);
  return model;
}

// Sum of -log p(next token), as the golden script has it.
inline at::Tensor next_token_loss(const at::Tensor& logits, const at::Tensor& ids) {
  const int64_t n = ids.size(0);
  const at::Tensor log_probs = at::log_softmax(logits.narrow(0, 0, n - 1), -1);
  return -log_probs.gather(1, ids.narrow(0, 1, n - 1).unsqueeze(1)).sum();
}

// Logits from the config as a user writes it and as Transformers saves it, trainable and frozen.
inline void expect_golden_logits(const Json& row) {
  SCOPED_TRACE(row.at("name").get<std::string>());
  at::NoGradGuard no_grad;
  const at::Tensor ids = golden_ids(row), expected = golden_logits(row);
  for (const char* key : {"config", "saved_config"}) {
    auto model = golden_model(row, key);
    EXPECT_LT(largest_difference(logits_of_document(*model, ids), expected), 1e-4) << key;
    model->freeze(Precision::kFp32);
    EXPECT_LT(largest_difference(logits_of_document(*model, ids), expected), 1e-4) << key;
  }
  auto low = golden_model(row);
  low->freeze(Precision::kBf16);
  const at::Tensor rounded = logits_of_document(*low, ids);
  EXPECT_LT(((rounded - expected).norm() / expected.norm()).item<double>(), 0.05);
  EXPECT_GT(largest_difference(rounded, expected), 1e-5);  // it did run in another precision
}

inline void expect_golden_gradients(const Json& row, nn::Recompute recompute) {
  SCOPED_TRACE(row.at("name").get<std::string>());
  auto model = golden_model(row);
  model->set_recompute(recompute);
  const at::Tensor ids = golden_ids(row);
  const at::Tensor loss = next_token_loss(logits_of_document(*model, ids), ids);
  EXPECT_NEAR(loss.item<double>(), row.at("loss").get<double>(), 1e-3);
  loss.backward();
  const auto parameters = parameters_of(*model);
  ASSERT_EQ(parameters.size(), row.at("gradient_norms").size());
  for (const nn::NamedParameter& p : parameters) {
    const double expected = row.at("gradient_norms").at(p.name).get<double>();
    ASSERT_TRUE(p.tensor->grad().defined()) << p.name;
    // A key bias moves all scores of a query alike, so its gradient is 0 but for rounding.
    EXPECT_NEAR(p.tensor->grad().norm().item<double>(), expected, 1e-4 * expected + 1e-4) << p.name;
  }
}

// Whatever the backward pass computes again, and wherever it puts gradients.
inline void expect_golden_gradients(const Json& row) {
  expect_golden_gradients(row, nn::Recompute::kNone);
  expect_golden_gradients(row, nn::Recompute::kMlp);
  const GradientsInPlace in_place;
  expect_golden_gradients(row, nn::Recompute::kNone);
}

// What count_weights says of every config is what its model has.
inline void expect_counted_weights(const Json& row) {
  const auto model = golden_model(row);
  int64_t weights = 0;
  for (const auto& p : parameters_of(*model)) weights += p.tensor->numel();
  EXPECT_EQ(count_weights(model->config()), static_cast<double>(weights)) << row.at("name");
}

inline void expect_golden(const std::string& model_type) {
  for (const Json& row : golden_rows("architectures.json", {model_type})) {
    expect_golden_logits(row);
    expect_golden_gradients(row);
    expect_counted_weights(row);
  }
}

}  // namespace limbeck::models
