#include "synthesis/draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/message_of.h"
#include "base/progress.h"
#include "base/temporary_folder.h"
#include "sandbox/open_judge.h"
#include "synthesis/prompts.h"
#include "synthesis/tiny_teacher.h"
#include "teachers/recorded.h"

namespace limbeck::synthesis {
namespace {

using ::testing::HasSubstr;

// Verdicts by a rule instead of a sandbox: what is judged here is the order and the files, not Python.
class RuleJudge : public sandbox::Judge {
 public:
  std::vector<sandbox::Verdict> judge(std::span<const sandbox::Program> programs) override {
    std::vector<sandbox::Verdict> verdicts;
    for (const auto& program : programs) {
      const bool passed = static_cast<double>(program.source.size() % 3) == program.expected;
      verdicts.push_back({.outcome = passed ? sandbox::Outcome::kPassed : sandbox::Outcome::kWrongAnswer,
                          .answer = static_cast<double>(program.source.size()),
                          .type = sandbox::AnswerType::kInt,
                          .seconds = 0.5});
    }
    num_judged += programs.size();
    return verdicts;
  }
  std::size_t num_judged = 0;
};

class Drawing : public ::testing::Test {
 protected:
  Drawing() {
    Progress::be_quiet(true);
    model_.model->freeze(Precision::kFp32);
    draw_ = {.problems = numbered_problems(7),
             .num_samples = 3,
             .prompt = [](const Problem& problem) { return zero_shot_prompt(problem.question); },
             .sampling = {.max_new_tokens = 6},
             .batch = {.max_batch = 4, .precision = Precision::kFp32},
             .seed = Seed(9),
             .decide =
                 [this](const Problem& problem, std::span<JudgedSample> samples) {
                   decided_.push_back(problem.id);
                   for (auto& sample : samples)
                     sample.kept = sample.passed(), sample.reason = sample.kept ? "kept" : "wrong_answer";
                 }};
  }

  std::vector<JudgedSample> run(const std::filesystem::path& file) {
    decided_.clear();
    num_loaded_ = 0;
    return draw_samples(
        draw_, [this]() -> const models::Pretrained& { return ++num_loaded_, model_; }, judge_, file);
  }

  models::Pretrained model_ = tiny_model();
  RuleJudge judge_;
  Draw draw_;
  std::vector<std::string> decided_;
  int num_loaded_ = 0;
  TemporaryFolder folder_;
};

TEST_F(Drawing, WritesEverySampleOnceInOrderWithItsVerdict) {
  const auto samples = run(folder_ / "s.jsonl");
  ASSERT_EQ(samples.size(), 21u);
  EXPECT_EQ(judge_.num_judged, 21u);
  int num_passed = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i].id, "p" + std::to_string(i / 3));
    EXPECT_EQ(samples[i].sample, static_cast<int64_t>(i % 3));
    EXPECT_EQ(samples[i].passed(), samples[i].program.size() % 3 == i / 3 % 3);
    EXPECT_EQ(samples[i].kept, samples[i].passed());
    num_passed += samples[i].passed();
  }
  EXPECT_GT(num_passed, 0);
  EXPECT_LT(num_passed, 21);
  EXPECT_EQ(decided_, (std::vector<std::string>{"p0", "p1", "p2", "p3", "p4", "p5", "p6"}));
}

TEST_F(Drawing, SamplesOfAProblemDependOnItsIdAndNotOnItsPlace) {
  const auto all = run(folder_ / "all.jsonl");
  std::swap(draw_.problems[0], draw_.problems[5]);
  draw_.problems.resize(2);
  const auto some = run(folder_ / "some.jsonl");
  EXPECT_EQ(some[0].id, "p5");
  EXPECT_EQ(some[0].text, all[15].text);
  EXPECT_EQ(some[4].text, all[4].text);
  draw_.seed = Seed(10);
  EXPECT_NE(run(folder_ / "other.jsonl")[0].text, some[0].text);
}

// What a teacher recorded in another run is judged as if it were drawn now.
TEST_F(Drawing, ARecordedTeacherGivesTheSameFileAsTheModelDid) {
  run(folder_ / "s.jsonl");
  std::filesystem::copy_file(folder_ / "s.jsonl", folder_ / "recorded.jsonl");
  const auto teacher = teachers::recorded_teacher(folder_ / "recorded.jsonl");
  draw_samples(
      draw_, [&]() -> teachers::Teacher& { return *teacher; }, judge_, folder_ / "again.jsonl");
  EXPECT_EQ(read_file(folder_ / "again.jsonl"), read_file(folder_ / "s.jsonl"));
}

// However many lines a killed process left, with a torn one behind them or not.
TEST_F(Drawing, GoesOnFromAnyNumberOfLinesToTheSameBytes) {
  const auto samples = run(folder_ / "whole.jsonl");
  const std::string whole = read_file(folder_ / "whole.jsonl");
  std::vector<std::size_t> ends = {0};
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (whole[i] == '\n') ends.push_back(i + 1);
  ASSERT_EQ(ends.size(), 22u);
  for (std::size_t lines = 0; lines < ends.size(); ++lines) {
    const auto file = folder_ / ("cut-" + std::to_string(lines));
    write_file_atomically(file, whole.substr(0, ends[lines] + (lines < 21 ? lines % 2 * 10 : 0)));
    const auto resumed = run(file);
    EXPECT_EQ(read_file(file), whole) << lines << " lines were there";
    EXPECT_EQ(decided_.size(), 7u) << "a selector sees every problem again";
    EXPECT_EQ(num_loaded_, lines == 21 ? 0 : 1) << "no model is loaded for a finished file";
    ASSERT_EQ(resumed.size(), samples.size());
    EXPECT_EQ(resumed.back().program, samples.back().program);
  }
}

TEST_F(Drawing, RefusesAFileOfAnotherRunNamingTheLine) {
  run(folder_ / "s.jsonl");
  draw_.problems[2].id = "another";
  EXPECT_THAT(message_of([&] { run(folder_ / "s.jsonl"); }),
              HasSubstr("line 7: expected sample 0 of problem 'another' but received sample 0 of 'p2'"));
  draw_.problems.resize(1);
  EXPECT_THAT(message_of([&] { run(folder_ / "s.jsonl"); }), HasSubstr("expected at most 3 samples but received 21"));
}

class FailingJudge : public sandbox::Judge {
 public:
  std::vector<sandbox::Verdict> judge(std::span<const sandbox::Program>) override {
    fail("judge", "no more supervisors");
  }
};

TEST_F(Drawing, AFaultOfTheJudgeEndsTheRunWithItsMessage) {
  FailingJudge judge;
  EXPECT_THAT(message_of([&] {
                draw_samples(
                    draw_, [this]() -> const models::Pretrained& { return model_; }, judge, folder_ / "s.jsonl");
              }),
              HasSubstr("no more supervisors"));
}

TEST_F(Drawing, APromptLongerThanTheContextIsAMistakeOfTheUser) {
  draw_.prompt = [](const Problem&) { return std::string(500, 'x'); };
  EXPECT_THROW(run(folder_ / "s.jsonl"), UserError);
}

// A real SIGKILL of a process that samples and judges, at several moments. The child is this binary again (a process
// that forked with threads running could not go on), told by the environment to do the work.
const char* kChildFile = "LIMBECK_DRAW_TEST_FILE";

class SlowDrawingChild : public Drawing {};

TEST_F(SlowDrawingChild, DrawsIntoTheFileItIsTold) {
  const char* file = std::getenv(kChildFile);
  if (file == nullptr) GTEST_SKIP() << "the work of SlowDrawing.SurvivesKills, which sets " << kChildFile;
  draw_.problems = numbered_problems(60);
  draw_.sampling.max_new_tokens = 20;
  run(file);
}

void run_child(const std::filesystem::path& file, int kill_after_ms) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setenv(kChildFile, file.c_str(), 1);
    ::execl("/proc/self/exe", "synthesis_test", "--gtest_filter=SlowDrawingChild.*", "--gtest_brief=1", nullptr);
    ::_exit(127);
  }
  if (kill_after_ms > 0) {
    ::usleep(static_cast<useconds_t>(kill_after_ms) * 1000);
    ::kill(pid, SIGKILL);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (kill_after_ms == 0) {
    EXPECT_EQ(status, 0);
  }
}

TEST(SlowDrawing, SurvivesKills) {
  const TemporaryFolder folder;
  run_child(folder / "undisturbed", 0);
  const std::string undisturbed = read_file(folder / "undisturbed");
  EXPECT_EQ(std::count(undisturbed.begin(), undisturbed.end(), '\n'), 180);
  for (const int moment : {330, 400, 450, 520, 600}) {
    const auto file = folder / std::to_string(moment);
    run_child(file, moment);
    run_child(file, 0);
    EXPECT_EQ(read_file(file), undisturbed) << "killed after " << moment << " ms";
  }
}

}  // namespace
}  // namespace limbeck::synthesis
