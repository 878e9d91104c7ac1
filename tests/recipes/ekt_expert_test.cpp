#include "recipes/ekt_expert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "recipes/ekt_pairs.h"
#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

class ExpertArm : public TinyEkt {
 protected:
  void SetUp() override {
    TinyEkt::SetUp();
    options_.dev_fraction = 0;
    options_.student_layers = 0;  // the student is the taught model itself, so that it has something to begin with
    options_.expert = {.rounds = 3, .batch_size = 4, .epochs = 2, .learning_rate = 1e-3};
  }
  ArmResult run_arm(const limbeck::Run& run) {
    EktContext context(options_, run);
    context.draw_teacher_samples();
    return run_expert_iteration(context, run.child("arms").child("expert_iteration"));
  }
  std::vector<synthesis::JudgedSample> samples_of_round(const std::string& run, int round) {
    const auto file = folder_ / run / "arms/expert_iteration" / ("round-" + std::to_string(round)) / "samples.jsonl";
    return std::filesystem::exists(file) ? synthesis::read_samples(file) : std::vector<synthesis::JudgedSample>{};
  }
};

TEST_F(ExpertArm, SamplesUnsolvedQuestionsOnlyAndLearnsWhatItSolved) {
  options_.k = 1;
  const ArmResult result = run_arm(open_run("run"));
  std::set<std::string> solved;
  std::size_t kept = 0;
  for (int round = 0; round < 3; ++round)
    for (const auto& sample : samples_of_round("run", round)) {
      EXPECT_FALSE(solved.contains(sample.id)) << "solved in an earlier round";
      if (sample.kept) solved.insert(sample.id), ++kept;
    }
  EXPECT_GT(samples_of_round("run", 1).size(), 0u) << "one sample each cannot solve all in round 0";
  EXPECT_EQ(result.pairs.size(), kept);
  EXPECT_THAT(result.note, HasSubstr("programs that the rounds added"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/arms/expert_iteration/model"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/arms/expert_iteration/round-1/model")) << "not kept";
}

// What a kill can leave: later rounds and results missing, samples cut short.
TEST_F(ExpertArm, GoesOnFromWhatIsThereToTheSameBytes) {
  options_.k = 1;
  const auto arm = folder_ / "run/arms/expert_iteration";
  const auto bytes = [&] {
    std::map<std::string, std::string> found;
    for (const char* name : {"pairs.jsonl", "model/model.safetensors", "test/samples.jsonl", "round-0/samples.jsonl",
                             "round-1/samples.jsonl", "round-2/samples.jsonl"})
      found[name] = read_file(arm / name);
    return found;
  };
  run_arm(open_run("run"));
  const auto undisturbed = bytes();
  for (const auto& lost : std::vector<std::vector<std::string>>{
           {"model", "test"}, {"round-2", "model", "test"}, {"round-1", "round-2", "pairs.jsonl", "model", "test"}}) {
    for (const auto& name : lost) std::filesystem::remove_all(arm / name);
    run_arm(open_run("run"));
    EXPECT_EQ(bytes(), undisturbed) << "lost: " << lost[0];
  }
  const std::string samples = undisturbed.at("round-1/samples.jsonl");
  write_file_atomically(arm / "round-1/samples.jsonl", samples.substr(0, samples.size() / 2));
  for (const char* name : {"round-2", "model", "test"}) std::filesystem::remove_all(arm / name);
  run_arm(open_run("run"));
  EXPECT_EQ(bytes(), undisturbed) << "lost: half of round 1";
}

TEST_F(ExpertArm, CanBeginWithTheStudentOfTheUnfilteredArm) {
  options_.student_layers = 2;  // writes nothing of use untrained
  options_.train.epochs = 30;
  options_.expert.start = ExpertStart::kUnfiltered;
  const ArmResult result = run_arm(open_run("run"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/arms/unfiltered/model"));
  EXPECT_GT(result.pairs.size(), 0u);
}

TEST_F(ExpertArm, SaysWhenThereIsNothingToLearnFrom) {
  const models::Pretrained untaught = synthesis::tiny_model();
  models::save_pretrained(folder_ / "untaught", *untaught.model, *untaught.tokenizer);
  options_.student = (folder_ / "untaught").string();
  options_.expert.rounds = 2;
  const ArmResult result = run_arm(open_run("run"));
  EXPECT_TRUE(result.pairs.empty());
  EXPECT_THAT(result.note, HasSubstr("nothing to learn from"));
  EXPECT_FALSE(samples_of_round("run", 0).empty());
  EXPECT_TRUE(samples_of_round("run", 1).empty());
}

}  // namespace
}  // namespace limbeck::recipes
