// Compares an encoder with what Transformers computed: rows of tests/golden/models/encoders.json, made by
// tests/golden/scripts/make_encoder_golden.py.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "models/encoder.h"
#include "models/formula_weights.h"
#include "models/golden_path.h"
#include "tensor/gradients.h"

namespace limbeck::models {

inline std::vector<nn::NamedParameter> parameters_of(Encoder& encoder) {
  nn::Parameters p;
  encoder.parameters(p);
  return p.list();
}

inline void fill_by_formula(Encoder& encoder) {
  at::NoGradGuard no_grad;
  for (const nn::NamedParameter& p : parameters_of(encoder)) fill_by_formula(p.name, *p.tensor);
}

// A small config of any architecture with changes put over it.
inline Json small_encoder_config(const std::string& model_type, const Json& changes = Json::object()) {
  Json config = {{"model_type", model_type}, {"vocab_size", 29}, {"max_position_embeddings", 16}};
  if (model_type == "distilbert")
    config.update(Json{{"dim", 24}, {"n_layers", 3}, {"n_heads", 3}, {"hidden_dim", 20}});
  else
    config.update(
        Json{{"hidden_size", 24}, {"num_hidden_layers", 3}, {"num_attention_heads", 3}, {"intermediate_size", 20}});
  if (model_type == "albert" || model_type == "electra") config["embedding_size"] = 10;
  config.update(changes);
  return config;
}

inline std::shared_ptr<Encoder> small_encoder(const Json& config, const Head& head = {}) {
  auto encoder = make_encoder(read_encoder_config(config, "small_encoder"), head);
  fill_by_formula(*encoder);
  return encoder;
}

// Texts without padding.
struct Packed {
  at::Tensor ids, types;
  std::vector<int64_t> offsets = {0};
};

inline Packed pack_texts(const std::vector<std::vector<int64_t>>& texts,
                         const std::vector<std::vector<int64_t>>& types = {}) {
  std::vector<int64_t> ids, kinds;
  Packed packed;
  for (const auto& text : texts) {
    ids.insert(ids.end(), text.begin(), text.end());
    packed.offsets.push_back(static_cast<int64_t>(ids.size()));
  }
  for (const auto& of_text : types) kinds.insert(kinds.end(), of_text.begin(), of_text.end());
  packed.ids = at::tensor(ids, at::kLong);
  if (!types.empty()) packed.types = at::tensor(kinds, at::kLong);
  return packed;
}

inline EncoderOutput run_encoder(Encoder& encoder, const Packed& packed, const EncoderWant& want = {}) {
  const auto plan = plan_for(encoder.config(), packed.offsets, want.dropout_salt, packed.ids);
  return encoder.forward(packed.ids, packed.types, *plan, want);
}

inline at::Tensor logits_of(Encoder& encoder, const Packed& packed) {
  return encoder.logits(run_encoder(encoder, packed), packed.offsets);
}

inline Head golden_head(const Json& row) {
  const std::map<std::string, Head> heads = {
      {"none", {}},
      {"classification", {HeadKind::kClassification, 3, {}}},
      {"choice", {HeadKind::kChoice, 1, {}}},
      {"tokens", {HeadKind::kTokens, 3, {}}},
      {"span", {HeadKind::kSpan, 2, {}}},
      {"masked_lm", {HeadKind::kMaskedLm, 0, {}}},
  };
  return heads.at(row.at("head").get<std::string>());
}

inline Packed golden_texts(const Json& row) {
  using Texts = std::vector<std::vector<int64_t>>;
  return pack_texts(row.at("texts").get<Texts>(), row.contains("types") ? row.at("types").get<Texts>() : Texts{});
}

inline at::Tensor golden_numbers(const Json& row, const char* key, at::IntArrayRef shape) {
  return at::tensor(row.at(key).get<std::vector<float>>()).view(shape);
}

inline double largest_gap(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// What a row compares: the head's numbers, or the hidden states where there is no pooler.
inline at::Tensor compared(Encoder& encoder, const Json& row, const Packed& packed) {
  return row.contains("logits") ? logits_of(encoder, packed) : run_encoder(encoder, packed).hidden;
}
inline at::Tensor expected_of(const Json& row, const at::Tensor& like) {
  return golden_numbers(row, row.contains("logits") ? "logits" : "hidden", like.sizes());
}

inline void expect_golden_numbers(const Json& row) {
  at::NoGradGuard no_grad;
  const Packed packed = golden_texts(row);
  auto encoder = small_encoder(row.at("config"), golden_head(row));
  const at::Tensor logits = compared(*encoder, row, packed), expected = expected_of(row, logits);
  EXPECT_LT(largest_gap(logits, expected), 1e-4);
  if (row.contains("hidden")) {
    const EncoderOutput out = run_encoder(*encoder, packed, {.hidden_states = true});
    EXPECT_LT(largest_gap(out.hidden, golden_numbers(row, "hidden", out.hidden.sizes())), 1e-4);
    ASSERT_EQ(out.hidden_states.size(), row.at("state_norms").size());
    for (std::size_t i = 0; i < out.hidden_states.size(); ++i)
      EXPECT_NEAR(out.hidden_states[i].norm().item<double>(), row.at("state_norms")[i].get<double>(), 1e-4) << i;
  }
  encoder->freeze(Precision::kFp32);
  EXPECT_LT(largest_gap(compared(*encoder, row, packed), expected), 1e-4) << "frozen";
  auto low = small_encoder(row.at("config"), golden_head(row));
  low->set_precision(Precision::kBf16);
  const at::Tensor rounded = compared(*low, row, packed);
  EXPECT_LT(((rounded - expected).norm() / expected.norm()).item<double>(), 0.05);
  EXPECT_GT(largest_gap(rounded, expected), 1e-5) << "it did run in another precision";
  low->freeze(Precision::kBf16);
  EXPECT_LT(((compared(*low, row, packed) - expected).norm() / expected.norm()).item<double>(), 0.05);
}

// Of Σ weight · logit, the weights by formula.
inline void expect_golden_encoder_gradients(const Json& row) {
  const Packed packed = golden_texts(row);
  auto encoder = small_encoder(row.at("config"), golden_head(row));
  const at::Tensor logits = logits_of(*encoder, packed);
  at::Tensor weights = at::empty_like(logits).detach();
  fill_by_formula("loss", weights);
  (logits * weights).sum().backward();
  const auto parameters = parameters_of(*encoder);
  ASSERT_EQ(parameters.size(), row.at("gradient_norms").size());
  for (const nn::NamedParameter& p : parameters) {
    const double expected = row.at("gradient_norms").at(p.name).get<double>();
    ASSERT_TRUE(p.tensor->grad().defined()) << p.name;
    // A key bias moves all scores of a query alike, so its gradient is 0 but for rounding.
    EXPECT_NEAR(p.tensor->grad().norm().item<double>(), expected, 1e-4 * expected + 1e-5) << p.name;
  }
}

inline void expect_golden_encoder(const std::string& model_type) {
  int64_t rows = 0, gradients = 0;
  for (const Json& row : read_json(golden("models/encoders.json"))) {
    if (row.at("config").at("model_type") != model_type) continue;
    SCOPED_TRACE(row.at("name").get<std::string>() + ", " + row.at("head").get<std::string>());
    ++rows;
    expect_golden_numbers(row);
    if (!row.contains("gradient_norms")) continue;
    ++gradients;
    expect_golden_encoder_gradients(row);
    const GradientsInPlace in_place;
    expect_golden_encoder_gradients(row);
  }
  EXPECT_GE(rows, 6);
  EXPECT_GE(gradients, 2);
}

}  // namespace limbeck::models
