#include "recipes/layer_drop.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/encoder.h"
#include "recipes/tiny_encoder.h"

namespace limbeck::recipes {
namespace {

class LayerDropRecipe : public TinyEncoder {
 protected:
  LayerDropOptions options(std::vector<std::string> arms) {
    LayerDropOptions own;
    fill(own);
    own.model = body();
    own.arms = std::move(arms);
    own.train.epochs = 1;
    own.seeds = 1;
    return own;
  }
};

TEST_F(LayerDropRecipe, MeasuresEveryRuleAtEveryDepth) {
  LayerDropOptions own = options({"full", "top", "bottom", "symmetric", "spaced", "contribution", "parameter-sum",
                                  "parameter-variance", "random"});
  own.drop = {1, 2};
  const limbeck::Run in = run();
  run_layer_drop(own, in);
  EXPECT_EQ(table_of(in)["arms"].size(), 1u + 8 * 2);
  const int64_t whole = arm_of(in, "full")["parameters"], one = arm_of(in, "top-1")["parameters"],
                two = arm_of(in, "top-2")["parameters"];
  EXPECT_GT(whole, one);
  EXPECT_EQ(whole - one, one - two);
  const auto reloaded = models::load_encoder(in.path("arms") / "top-1-1" / "model").model;
  EXPECT_EQ(reloaded->config().num_hidden_layers, 3) << "a folder says how deep its model is";
  const Json layers = read_json(in.path("layers.json"));
  EXPECT_EQ(layers["contributions"]["before fine-tuning"].size(), 4u);
  EXPECT_EQ(layers["contributions"]["after fine-tuning"].size(), 4u);
  EXPECT_LE(layers["depth"]["1"], layers["depth"]["3"]);
}

TEST_F(LayerDropRecipe, HasItsControlsAsArms) {
  const limbeck::Run in = run();
  run_layer_drop(options({"top", "after", "scratch", "kd"}), in);
  EXPECT_EQ(table_of(in)["arms"].size(), 4u);
  EXPECT_EQ(arm_of(in, "after-2")["parameters"], arm_of(in, "scratch-2")["parameters"]);

  EXPECT_NE(predictions(in, "after-2-1"), predictions(in, "top-2-1"));
  EXPECT_NE(predictions(in, "kd-2-1"), predictions(in, "top-2-1"));
}

TEST_F(LayerDropRecipe, SaysBeforeAnyWorkWhenARuleCannotDropSoMany) {
  LayerDropOptions own = options({"full", "alternate-odd"});
  own.drop = {3};
  const limbeck::Run in = run();
  EXPECT_NE(message_of<UserError>([&] { run_layer_drop(own, in); }).find("at most 2"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(in.path("arms")));
}

}  // namespace
}  // namespace limbeck::recipes
