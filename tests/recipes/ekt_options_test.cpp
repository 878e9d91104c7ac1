#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/message_of.h"
#include "recipes/ekt.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string mistakes(const std::vector<std::string>& flags) {
  EktOptions options;
  Fields fields = fields_of(options);
  return message_of<UserErrors>([&] { read_options(fields, "", flags); });
}

// Values of the paper's official code (systems: EKT, hyperparameters).
TEST(EktOptions, DefaultsAreThePapers) {
  const EktOptions o;
  EXPECT_EQ(o.k, 100);
  EXPECT_EQ(o.sampling.temperature, 0.6);
  EXPECT_EQ(o.sampling.top_k, 50);
  EXPECT_EQ(o.sampling.max_new_tokens, 150);
  EXPECT_EQ(o.selection.filter, synthesis::Filter::kFirstPass);
  EXPECT_EQ(o.check.type_policy, sandbox::TypePolicy::kFloatOnly);
  EXPECT_TRUE(o.check.signed_denominator);
  EXPECT_EQ(o.check.relative_tolerance, 0.01);
  EXPECT_EQ(o.train.epochs, 140);
  EXPECT_EQ(o.train.learning_rate, 1e-4);
  EXPECT_EQ(o.train.weight_decay, 0.1);
  EXPECT_EQ(o.train.batch_size, 32);
  EXPECT_EQ(o.train.warmup_steps, 100);
  EXPECT_EQ(o.max_length, 400);
  EXPECT_TRUE(o.loss_on_prompt && o.loss_on_pad);
  EXPECT_EQ(o.eval.ks, (std::vector<int64_t>{1, 100}));
}

TEST(EktOptions, AllMistakesAreReportedAtOnce) {
  const std::string said = mistakes({"--arms=ekt,distil", "--eval.ks=1,200", "--k=0", "--train.epoch=3"});
  EXPECT_THAT(said, HasSubstr("received 'distil'"));
  EXPECT_THAT(said, HasSubstr("pass@200 needs at least 200 samples"));
  EXPECT_THAT(said, HasSubstr("k"));
  EXPECT_THAT(said, HasSubstr("train.epochs"));
  EXPECT_THAT(said, HasSubstr("teacher"));
}

TEST(EktOptions, AnArmTwiceIsAMistake) {
  EXPECT_THAT(mistakes({"--arms=ekt,ekt"}), HasSubstr("'ekt' stands there twice"));
}

TEST(EktOptions, TheStudentsFileBelongsToTheRunsIdentityWhenThereIsOne) {
  EktOptions options;
  EXPECT_EQ(options.inputs().size(), 4u);
  options.student = "student";
  EXPECT_EQ(options.inputs().back(), "student");
}

}  // namespace
}  // namespace limbeck::recipes
