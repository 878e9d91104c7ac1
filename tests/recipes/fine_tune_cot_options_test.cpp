#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "recipes/fine_tune_cot.h"

namespace limbeck::recipes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FineTuneCotOptions, DefaultsAreThePapersAndMistakesAreNamed) {
  FineTuneCotOptions o;
  EXPECT_EQ(o.train.epochs, 20);
  EXPECT_EQ(o.train.learning_rate, 3e-4);
  EXPECT_EQ(o.train.batch_size, 8);
  EXPECT_EQ(o.sampling.temperature, 0.7);
  EXPECT_EQ(o.sampling.max_new_tokens, 128);
  Fields fields = fields_of(o);
  EXPECT_THAT(message_of<UserErrors>([&] {
                read_options(fields, "", {"--arms=cot,none", "--diverse=0"});
              }),
              HasSubstr("received 'none'"));
}

TEST(FineTuneCotOptions, FewShotsNeedExamplesWhichBelongToTheRun) {
  FineTuneCotOptions o;
  Fields fields = fields_of(o);
  EXPECT_THAT(message_of<UserErrors>([&] { read_options(fields, "", {"--arms=few_shot_cot"}); }),
              HasSubstr("worked examples for the arm few_shot_cot"));
  o.teacher = "w", o.problems = "p", o.test_problems = "t", o.student = "s", o.examples = "e";
  EXPECT_THAT(o.inputs(), ElementsAre("p", "t", "w", "s", "e"));
}

TEST(FineTuneCotOptions, ArmsWithSeveralRationalesShareTheTeachersWork) {
  FineTuneCotOptions o;
  o.arms = {"zero_shot", "cot", "repeated", "diverse", "shuffled"};
  o.diverse = 4, o.train.epochs = 3;
  std::vector<double> epochs;
  std::vector<int64_t> rounds;
  for (const PlannedArm& arm : o.planned_arms()) epochs.push_back(arm.epochs), rounds.push_back(arm.teacher_rounds);
  EXPECT_THAT(epochs, ElementsAre(0, 3, 12, 12, 3));
  EXPECT_THAT(rounds, ElementsAre(0, 0, 4, 0, 0));
}

}  // namespace
}  // namespace limbeck::recipes
