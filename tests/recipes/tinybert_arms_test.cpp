#include "recipes/tinybert_arms.h"

#include <gtest/gtest.h>

#include <set>

namespace limbeck::recipes {
namespace {

const TinybertArm& arm_named(const std::string& name) {
  for (const TinybertArm& arm : tinybert_arms())
    if (arm.name == name) return arm;
  throw std::runtime_error("no arm " + name);
}

TEST(TinybertArms, HaveNamesOfTheirOwnAndTheTeacherIsOne) {
  const auto names = tinybert_arm_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_EQ(names.size(), tinybert_arms().size() + 1);
  EXPECT_EQ(names.front(), "teacher");
}

TEST(TinybertArms, OnlyThoseWithAllLossesAndTheMapOfTheOptionsShareAGeneralStudent) {
  for (const char* shared : {"full", "no_task", "no_augment", "no_prediction"})
    EXPECT_TRUE(arm_named(shared).has_all_losses()) << shared;
  for (const char* own :
       {"no_attention", "no_hidden", "no_layers", "no_embedding", "top", "bottom", "pretrained", "distilbert", "pkd"})
    EXPECT_FALSE(arm_named(own).has_all_losses()) << own;
}

// Seven texts in batches of two, twice: 8 steps. Ten rows in batches of four: 3 steps an epoch, 6 of layer losses.
TEST(TinybertSteps, OfAPhaseThatAnArmLacksAreAddedToItsNextOne) {
  TinybertOptions options;
  options.general.train.epochs = 2, options.general.train.batch_size = 2;
  options.intermediate.epochs = 2, options.intermediate.batch_size = 4;
  options.train.epochs = 1, options.train.batch_size = 4;
  const TinybertSteps steps = tinybert_steps(options, 7, 10);
  EXPECT_EQ(steps.general, 8);
  EXPECT_EQ(steps.layers, 6);
  EXPECT_EQ(steps.prediction, 3);
  for (const TinybertArm& arm : tinybert_arms()) {
    const int64_t all =
        (arm.general ? steps.general : 0) + (arm.learns_layers() ? steps.of_layers(arm) : 0) + steps.of_prediction(arm);
    EXPECT_EQ(all, 17) << arm.name;
  }
  EXPECT_EQ(steps.of_prediction(arm_named("fine_tune")), 17);
  EXPECT_EQ(steps.of_layers(arm_named("no_general")), 14);
}

TEST(TinybertSteps, AreThoseThatTheOptionsNameAndNoneOfNoTexts) {
  TinybertOptions options;
  options.general.train.max_steps = 5, options.intermediate.max_steps = 7, options.train.max_steps = 9;
  const TinybertSteps with = tinybert_steps(options, 1, 1), without = tinybert_steps(options, 0, 1);
  EXPECT_EQ(with.general, 5);
  EXPECT_EQ(with.layers, 7);
  EXPECT_EQ(with.prediction, 9);
  EXPECT_EQ(without.general, 0);
}

}  // namespace
}  // namespace limbeck::recipes
