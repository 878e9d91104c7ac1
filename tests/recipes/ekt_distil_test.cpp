#include "recipes/ekt_distil.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recipes/ekt_pairs.h"
#include "recipes/tiny_ekt.h"
#include "teachers/prompt.h"

namespace limbeck::recipes {
namespace {

class DistillationArm : public TinyEkt {
 protected:
  // The divergence of each step of the arm.
  std::vector<double> divergences(const limbeck::Run& arm) {
    std::vector<double> values;
    read_jsonl(arm.path("log.jsonl"), [&](const Json& row, int64_t) {
      if (row.at("kind") == "step") values.push_back(row.at("terms").at("divergence").get<double>());
    });
    return values;
  }
};

TEST_F(DistillationArm, LearnsTheTeachersDistributionsAlongTheVerifiedPrograms) {
  options_.train.epochs = 12;
  options_.dev_fraction = 0;
  const auto run = open_run("run");
  EktContext context(options_, run);
  context.draw_teacher_samples();
  const limbeck::Run arm = run.child("arms").child("distillation");
  const ArmResult result = run_distillation(context, arm);
  EXPECT_EQ(result.pairs.size(), verified_pairs(context, context.samples).size());
  const auto values = divergences(arm);
  EXPECT_LT(values.back(), 0.5 * values.front());
  EXPECT_TRUE(std::filesystem::exists(arm.path("model")));
}

TEST_F(DistillationArm, TheTeacherCanReadTheWorkedExamplesInFront) {
  options_.train.max_steps = 1;
  options_.dev_fraction = 0;
  const auto plain_run = open_run("plain");
  EktContext plain(options_, plain_run);
  plain.draw_teacher_samples();
  run_distillation(plain, plain_run.child("arm"));
  options_.teacher_sees_examples = true;
  const auto shown_run = open_run("shown");
  EktContext shown(options_, shown_run);
  shown.draw_teacher_samples();
  run_distillation(shown, shown_run.child("arm"));
  // The teacher was taught behind the examples; without them its distributions are others.
  EXPECT_NE(divergences(plain_run.child("arm"))[0], divergences(shown_run.child("arm"))[0]);
}

TEST_F(DistillationArm, WhatIsPutInFrontEndsWhereThePromptsAreTheSame) {
  const auto run = open_run("run");
  const EktContext context(options_, run);
  const auto tokenizer = models::load_tokenizer(options_.teacher);
  const Shown shown = few_shot_in_front(context, *tokenizer, "Box 7?");
  const auto alone = teachers::encode_prompt(*tokenizer, "# Box 7?"),
             whole = teachers::encode_prompt(*tokenizer, context.few_shot({.id = "", .question = "Box 7?"}));
  std::vector<int32_t> joined = shown.prefix;
  joined.insert(joined.end(), alone.begin() + shown.dropped, alone.end());
  EXPECT_EQ(joined, whole);
  EXPECT_LT(shown.dropped, static_cast<int64_t>(alone.size()) - 4) << "the question itself is shared";
}

}  // namespace
}  // namespace limbeck::recipes
