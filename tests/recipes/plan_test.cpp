#include "recipes/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "data/byte_tokenizer.h"
#include "models/formula_weights.h"
#include "models/language_model.h"
#include "recipes/catalog.h"

namespace limbeck::recipes {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr int64_t kGiB = int64_t{1} << 30;

PlanFacts small_facts() {
  return {.method = "ekt",
          .teacher = {.path = "t", .num_parameters = 1'000'000, .num_layers = 4, .context = 2048, .cache_bytes = 1024},
          .student = {.path = "s", .num_parameters = 500'000, .num_layers = 2, .context = 2048, .cache_bytes = 512},
          .num_problems = 100,
          .num_test_problems = 10,
          .prompt_tokens = 200,
          .k = 5,
          .max_new_tokens = 50,
          .max_batch = 8,
          .test_samples = 4,
          .arms = {{.name = "few_shot"}, {.name = "unfiltered", .epochs = 2}, {.name = "ekt", .epochs = 2}},
          .most_pairs = 100,
          .pair_tokens = 60,
          .micro_batch_tokens = 1024,
          .keep_checkpoints = 1};
}

std::string amount(const Plan& plan, const std::string& what) {
  for (const auto& [name, text] : plan.lines)
    if (name == what) return text;
  return "";
}

TEST(Plan, CountsWhatTheOptionsSay) {
  const Plan plan = plan_of(small_facts(), {.free_memory = kGiB, .free_disk = kGiB}, {});
  EXPECT_TRUE(plan.obstacles.empty());
  EXPECT_THAT(amount(plan, "teacher reads"), HasSubstr("22 thousand tokens of 110 prompts"));
  EXPECT_THAT(amount(plan, "teacher writes"), HasSubstr("27 thousand tokens, at most: 100 problems x 5 samples x 50"));
  EXPECT_THAT(amount(plan, "training reads"),
              HasSubstr("24 thousand tokens, at most: 100 texts x 4 epochs, of 2 arms together"));
  EXPECT_THAT(amount(plan, "student writes"), HasSubstr("6000 tokens, at most: 3 arms on the test"));
  EXPECT_EQ(amount(plan, "time"), "") << "nothing was measured";
}

TEST(Plan, TheTimeIsTokensByMeasuredSpeeds) {
  const PlanSpeeds speeds{.read = 2200, .drawn = 1000, .trained = 2400, .training_bytes = 1 << 20};
  const Plan plan = plan_of(small_facts(), {.free_memory = kGiB, .free_disk = kGiB}, speeds);
  // 24,000 / 2,400 to train, 27,000 / 1,000 and 22,000 / 2,200 by the teacher, 3 arms x 2,000 / 1,000 on the test.
  EXPECT_EQ(amount(plan, "time"), "53 s, at most");
}

TEST(Plan, MemoryIsWhatTheParametersTake) {
  const PlanFacts facts = small_facts();
  EXPECT_EQ(sampling_bytes(facts), 4'000'000 + 1024 * (200 + 8 * 50));
  EXPECT_EQ(training_bytes(facts, {}), 500'000 * 16);
  EXPECT_EQ(training_bytes(facts, PlanSpeeds{.training_bytes = 77}), 500'000 * 16 + 77);
  auto copying = facts;  // a processor whose products do not read fp32 weights in bf16
  copying.keeps_low_copy = true;
  EXPECT_EQ(training_bytes(copying, {}), 500'000 * 18);
}

TEST(Plan, WhatDoesNotFitIsNamedWithWhatToChange) {
  auto facts = small_facts();
  facts.prompt_tokens = 2040;
  facts.prompt_price = 10, facts.completion_price = 100, facts.cap_cost = 1, facts.cap_tokens = 1000;
  const Plan plan = plan_of(facts, {.free_memory = 1000, .free_disk = 1000}, {});
  EXPECT_THAT(plan.obstacles, Contains(HasSubstr("lower max_batch (8)")));
  EXPECT_THAT(plan.obstacles, Contains(HasSubstr("lower train.micro_batch_tokens (1024)")));
  EXPECT_THAT(plan.obstacles, Contains(HasSubstr("lower train.keep_checkpoints")));
  EXPECT_THAT(plan.obstacles, Contains(HasSubstr("teacher's context of 2048")));
  EXPECT_THAT(plan.obstacles, Contains(HasSubstr("cap.cost is 1.00")));
  EXPECT_THAT(plan.obstacles, Contains(HasSubstr("cap.tokens is 1000")));
}

TEST(Plan, IsNotMadeForAMethodWithoutProblems) {
  const auto job = method_named("fine-tune").make();
  EXPECT_THAT(message_of<UserError>([&] { plan_facts("fine-tune", *job, job->fields()); }),
              HasSubstr("received 'fine-tune'"));
}

TEST(Plan, ReadsTheFactsOffAMethodsOptions) {
  const TemporaryFolder folder;
  models::save_pretrained(folder / "tiny",
                          *models::small_model({{"vocab_size", 257}, {"eos_token_id", 256}, {"bos_token_id", 256}}),
                          *byte_tokenizer());
  write_file_atomically(
      folder / "problems.jsonl",
      "{\"id\":\"a\",\"question\":\"q?\",\"answer\":1}\n{\"id\":\"b\",\"question\":\"qqqq?\",\"answer\":1}\n");
  write_file_atomically(folder / "examples.jsonl", "{\"question\":\"x?\",\"program\":\"answer = 1\"}\n");
  const auto job = method_named("ekt").make();
  Fields fields = job->fields();
  const auto path = [&](const char* name) { return (folder / name).string(); };
  read_options(fields, "",
               {"--teacher=" + path("tiny"), "--student-layers=1", "--problems=" + path("problems.jsonl"),
                "--test-problems=" + path("problems.jsonl"), "--examples=" + path("examples.jsonl"), "--k=7",
                "--train.epochs=3", "--precision=fp32", "--no-loss-on-pad"});
  const PlanFacts facts = plan_facts("ekt", *job, fields);
  EXPECT_EQ(facts.num_problems, 2);
  EXPECT_EQ(facts.k, 7);
  EXPECT_EQ(facts.arms.size(), 3U);
  EXPECT_EQ(facts.num_trained_arms(), 2);
  EXPECT_EQ(facts.epochs(), 6);
  EXPECT_FALSE(facts.keeps_low_copy);
  EXPECT_EQ(facts.precision, Precision::kFp32);
  EXPECT_EQ(facts.prompt_tokens, static_cast<int64_t>(std::string("# x?\nanswer = 1\n\n# qqqq?").size())) << "of bytes";
  EXPECT_EQ(facts.pair_tokens, static_cast<int64_t>(std::string("# qqqq?\nanswer = 1").size()));
  EXPECT_EQ(facts.student.num_layers, 1);
  EXPECT_LT(facts.student.num_parameters, facts.teacher.num_parameters);
  const auto teacher = models::load_pretrained(folder / "tiny");
  int64_t num_parameters = 0;
  for (const auto& p : models::parameters_of(*teacher.model)) num_parameters += p.tensor->numel();
  EXPECT_EQ(facts.teacher.num_parameters, num_parameters);
  const auto slice = models::slice_layers(*teacher.model, {0});
  int64_t num_left = 0;
  for (const auto& p : models::parameters_of(*slice)) num_left += p.tensor->numel();
  EXPECT_EQ(facts.student.num_parameters, num_left);
}

TEST(Plan, CountsWhatEachArmOfAllDoes) {
  const auto job = method_named("ekt").make();
  Fields fields = job->fields();
  const TemporaryFolder folder;
  models::save_pretrained(folder / "tiny",
                          *models::small_model({{"vocab_size", 257}, {"eos_token_id", 256}, {"bos_token_id", 256}}),
                          *byte_tokenizer());
  write_file_atomically(folder / "p.jsonl", "{\"id\":\"a\",\"question\":\"q?\",\"answer\":1}\n");
  write_file_atomically(folder / "e.jsonl", "{\"question\":\"x?\",\"program\":\"answer = 1\"}\n");
  const auto path = [&](const char* name) { return (folder / name).string(); };
  read_options(fields, "",
               {"--arms=all", "--teacher=" + path("tiny"), "--weaker-teacher=" + path("tiny"),
                "--problems=" + path("p.jsonl"), "--test-problems=" + path("p.jsonl"), "--examples=" + path("e.jsonl"),
                "--k=7", "--train.epochs=3", "--expert.rounds=4", "--expert.epochs=2", "--eval.num-samples=1",
                "--eval.ks=1", "--sampling.max-new-tokens=10"});
  const PlanFacts facts = plan_facts("ekt", *job, fields);
  std::vector<std::string> names;
  for (const auto& arm : facts.arms) names.push_back(arm.name);
  EXPECT_EQ(names, (std::vector<std::string>{"few_shot", "unfiltered", "ekt", "expert_iteration", "distillation",
                                             "random_programs", "weaker"}))
      << "without a stronger teacher";
  EXPECT_EQ(facts.num_trained_arms(), 5);
  EXPECT_EQ(facts.epochs(), 4 * 3 + 4 * 2);
  const Plan plan = plan_of(facts, {.free_memory = kGiB, .free_disk = kGiB}, {});
  EXPECT_THAT(amount(plan, "teacher writes"),
              HasSubstr("150 tokens, at most: 1 problems x 7 samples x 10 tokens x 2 "));
  EXPECT_THAT(amount(plan, "student writes"), HasSubstr("340 tokens, at most: 6 arms on the test, and 4 rounds"));
}

TEST(Plan, AnArmThatIsPromptedIsNotTrained) {
  const auto planned = method_named("fine-tune-cot").make()->planned_arms();
  ASSERT_EQ(planned.size(), 5U);
  EXPECT_EQ(planned[0].name, "zero_shot_cot");
  EXPECT_EQ(planned[0].epochs, 0);
  EXPECT_EQ(planned[1].epochs, 20);
}

TEST(Plan, WritesNumbersForPeople) {
  EXPECT_EQ(bytes_text(1536), "2 KiB");
  EXPECT_EQ(bytes_text(3 * kGiB / 2), "1.5 GiB");
  EXPECT_EQ(seconds_text(89), "89 s");
  EXPECT_EQ(seconds_text(3600), "60 min");
  EXPECT_EQ(seconds_text(12'000), "3 h 20 min");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1'250'000), "1.2 million");
}

}  // namespace
}  // namespace limbeck::recipes
