#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <map>

#include "base/errors.h"
#include "models/config.h"
#include "models/formula_weights.h"

namespace limbeck::models {
namespace {

TEST(SliceLayers, TheFirstLayersComputeWhatTheyDidInTheWholeModel) {
  at::NoGradGuard no_grad;
  auto whole = small_model({{"num_hidden_layers", 5}, {"tie_word_embeddings", false}, {"attention_bias", true}});
  auto sliced = slice_layers(*whole, {0, 1, 2});
  const at::Tensor ids = at::arange(11, at::kLong);
  const auto plan = nn::packed_causal({0, 11});
  const ModelOutput all = whole->forward(ids, *plan, {.logits = false, .hidden_states = true});
  const ModelOutput some = sliced->forward(ids, *plan, {.logits = false, .hidden_states = true});
  ASSERT_EQ(some.hidden_states.size(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(at::equal(all.hidden_states[i], some.hidden_states[i])) << i;
}

TEST(SliceLayers, AnySelectionIsTheModelWithTheOthersRemoved) {
  auto whole = small_model({{"num_hidden_layers", 6}, {"tie_word_embeddings", false}});
  const std::vector<int64_t> kept = {0, 3, 5, 3};  // in any order, also twice
  auto sliced = slice_layers(*whole, kept);
  std::map<std::string, at::Tensor> before;
  for (const auto& p : parameters_of(*whole)) before[p.name] = *p.tensor;
  ASSERT_EQ(sliced->config().num_hidden_layers, 4);
  const auto after = parameters_of(*sliced);
  EXPECT_EQ(after.size(), 4u * 9 + 3);
  for (const auto& p : after) {
    std::string name = p.name;
    if (name.starts_with("model.layers.")) name.replace(13, 1, std::to_string(kept[name[13] - '0']));
    EXPECT_TRUE(at::equal(*p.tensor, before.at(name))) << p.name;
    EXPECT_NE(p.tensor->data_ptr(), before.at(name).data_ptr()) << "shared, not copied";
    EXPECT_TRUE(p.tensor->requires_grad());
  }
}

TEST(SliceLayers, WindowsStayWithTheirLayers) {
  auto whole = small_model({{"model_type", "qwen2"},
                            {"num_hidden_layers", 4},
                            {"use_sliding_window", true},
                            {"sliding_window", 5},
                            {"max_window_layers", 2}});
  const DecoderConfig config = slice_layers(*whole, {1, 3})->config();
  EXPECT_FALSE(window_of(config, 0));
  EXPECT_EQ(window_of(config, 1), 5);
  EXPECT_EQ(write_config(config, Precision::kFp32).at("layer_types"), Json({"full_attention", "sliding_attention"}));
}

TEST(SliceLayers, RefusesLayersThatAreNotThere) {
  auto whole = small_model();
  EXPECT_THROW(slice_layers(*whole, {}), Error);
  EXPECT_THROW(slice_layers(*whole, {0, 3}), Error);
  EXPECT_THROW(slice_layers(*whole, {-1}), Error);
}

TEST(EvenlySpacedLayers, KeepsTheEndsAndEvenGaps) {
  EXPECT_EQ(evenly_spaced_layers(30, 2), (std::vector<int64_t>{0, 29}));
  EXPECT_EQ(evenly_spaced_layers(5, 5), (std::vector<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(evenly_spaced_layers(5, 3), (std::vector<int64_t>{0, 2, 4}));
  EXPECT_EQ(evenly_spaced_layers(7, 1), (std::vector<int64_t>{0}));
  for (int64_t keep = 2; keep <= 30; ++keep) {
    const auto layers = evenly_spaced_layers(30, keep);
    ASSERT_EQ(static_cast<int64_t>(layers.size()), keep);
    EXPECT_EQ(layers.front(), 0);
    EXPECT_EQ(layers.back(), 29);
    int64_t least = 30, most = 0;
    for (std::size_t i = 1; i < layers.size(); ++i) {
      least = std::min(least, layers[i] - layers[i - 1]);
      most = std::max(most, layers[i] - layers[i - 1]);
    }
    EXPECT_LE(most - least, 1) << keep;
    EXPECT_GE(least, 1);
  }
  EXPECT_THROW(evenly_spaced_layers(5, 6), Error);
  EXPECT_THROW(evenly_spaced_layers(5, 0), Error);
}

}  // namespace
}  // namespace limbeck::models
