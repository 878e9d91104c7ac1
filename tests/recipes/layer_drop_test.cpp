#include "recipes/layer_drop.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_study.h"

namespace limbeck::recipes {
namespace {

class LayerDropRecipe : public testing::Test {
 protected:
  LayerDropRecipe() {
    tiny_.fill(options_);
    options_.model = tiny_.encoder();
    options_.train.learning_rate = 0.01;
    options_.train.epochs = 2;
    options_.runs = 1;
  }
  TinyStudy tiny_;
  LayerDropOptions options_;
};

TEST_F(LayerDropRecipe, MeasuresEveryRuleAtEveryDepth) {
  options_.arms = {
      "full", "top", "bottom", "symmetric", "spaced", "contribution", "parameter-sum", "parameter-variance", "random"};
  options_.drop = {1, 2};
  const Run run = tiny_.run("run");
  run_layer_drop(options_, run);
  const Json table = table_of(run);
  EXPECT_EQ(table["arms"].size(), 1u + 8 * 2);
  const int64_t whole = arm_of(table, "full")["parameters"], one = arm_of(table, "top-1")["parameters"],
                two = arm_of(table, "top-2")["parameters"];
  EXPECT_GT(whole, one);
  EXPECT_EQ(whole - one, one - two);
  EXPECT_EQ(table["facts"]["contributions"]["before"].size(), 4u);
  EXPECT_EQ(table["facts"]["contributions"]["after"].size(), 4u);
  const std::string page = read_file(run.path("table.md"));
  EXPECT_NE(page.find("before the dev rows fall by more than 3 points"), std::string::npos) << page;
  EXPECT_EQ(models::load_encoder(run.path("model")).model->config().num_hidden_layers, 3);
}

TEST_F(LayerDropRecipe, HasItsControlsAsArmsAndGoesOnWithoutTrainingAgain) {
  options_.arms = {"full", "top", "after", "scratch", "kd"};
  const Run run = tiny_.run("run");
  run_layer_drop(options_, run);
  const std::string page = read_file(run.path("table.md"));
  EXPECT_NE(page.find("top, dropped after fine-tuning, 2 fewer"), std::string::npos) << page;
  EXPECT_FALSE(std::filesystem::exists(run.path("run-1/full/checkpoint-12")));
  run_layer_drop(options_, run);
  EXPECT_EQ(read_file(run.path("table.md")), page);
  EXPECT_FALSE(std::filesystem::exists(run.path("run-1/full/checkpoint-12")));  // nothing was trained for it
}

TEST_F(LayerDropRecipe, SaysWhenARuleCannotDropSoMany) {
  options_.arms = {"alternate-odd"};
  options_.drop = {3};
  EXPECT_NE(message_of<UserError>([&] { run_layer_drop(options_, tiny_.run("run")); }).find("at most 2"),
            std::string::npos);
}

}  // namespace
}  // namespace limbeck::recipes
