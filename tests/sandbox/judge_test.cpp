#include "sandbox/judge.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/message_of.h"
#include "sandbox/filter.h"
#include "sandbox/isolation.h"
#include "sandbox/open_judge.h"
#include "sandbox/pool.h"
#include "sandbox/process.h"

namespace limbeck::sandbox {
namespace {

using AJudge = WithJudge;

TEST_F(AJudge, GivesVerdictsInTheOrderOfThePrograms) {
  std::vector<Program> programs;
  for (int i = 0; i < 300; ++i) {
    const std::string pause = i % 17 == 0 ? "import time\ntime.sleep(0.01)\n" : "";
    programs.push_back(
        {.source = pause + fmt::format("answer = {} * 2.0", i), .expected = i % 3 == 0 ? -1.0 - i : 2.0 * i});
  }
  const auto verdicts = judge_->judge(programs);
  ASSERT_EQ(verdicts.size(), programs.size());
  for (int i = 0; i < 300; ++i) {
    const auto& v = verdicts[static_cast<std::size_t>(i)];
    EXPECT_EQ(v.answer, 2.0 * i);
    EXPECT_EQ(v.outcome, i % 3 == 0 ? Outcome::kWrongAnswer : Outcome::kPassed) << i;
  }
}

TEST_F(AJudge, RunsEqualSourcesOnceAndComparesEachWithItsOwnAnswer) {
  // The time at which it ran tells whether it ran once.
  const std::string source = "import time\nanswer = time.monotonic()";
  const auto verdicts =
      judge_->judge(std::vector<Program>{{source, -1.0}, {"answer = 1", 1.0}, {source, std::nullopt}});
  EXPECT_EQ(verdicts[0].answer, verdicts[2].answer);
  EXPECT_EQ(verdicts[0].outcome, Outcome::kWrongAnswer);
  EXPECT_EQ(verdicts[1].outcome, Outcome::kPassed);
  EXPECT_EQ(verdicts[2].outcome, Outcome::kPassed);
}

TEST_F(AJudge, TakesAnEmptyBatch) {
  EXPECT_TRUE(judge_->judge({}).empty());
}

TEST_F(AJudge, ServesSeveralThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const double value = 1000 * t + i;
        const auto v = judge_->judge(std::vector<Program>{{fmt::format("answer = {}.0", value), value}}).front();
        wrong += v.answer != value;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(AJudge, OutlivesTheThreadThatOpenedIt) {
  std::unique_ptr<Judge> judge;
  std::thread([&] { judge = Judge::open({.workers = 1}); }).join();
  EXPECT_EQ(judge->judge(std::vector<Program>{{"answer = 1", 1.0}}).front().outcome, Outcome::kPassed);
}

TEST_F(AJudge, HoldsAnswersToTheTypePolicyEvenWithoutAnExpectedOne) {
  JudgeOptions options{.workers = 1};
  options.check.type_policy = TypePolicy::kFloatOnly;
  const auto judge = Judge::open(options);
  const auto verdicts =
      judge->judge(std::vector<Program>{{"answer = 12", 12.0}, {"answer = 12.0", 12.0}, {"answer = 12", std::nullopt}});
  EXPECT_EQ(verdicts[0].outcome, Outcome::kWrongAnswer);
  EXPECT_EQ(verdicts[1].outcome, Outcome::kPassed);
  EXPECT_EQ(verdicts[2].outcome, Outcome::kWrongAnswer);
}

TEST_F(AJudge, LeavesNoProcessesBehind) {
  const auto children = [] {
    int count = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::ifstream file(task.path() / "children");
      for (std::string pid; file >> pid;) ++count;
    }
    return count;
  };
  const int before = children();
  {
    const auto judge = Judge::open({.workers = 3});
    EXPECT_EQ(children(), before + 3);
  }
  EXPECT_EQ(children(), before);
}

// Isolation as root itself, which is used where only root may make user namespaces.
TEST_F(AJudge, IsolatesWhenBubblewrapRunsAsRootToo) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  Isolation isolation = plan_isolation({}, "");
  isolation.as_nobody = false;
  Pool pool({.command = command_of(isolation), .filter = supervisor_filter()}, {}, 1);
  const std::vector<std::string> sources = {"import os\nanswer = os.getuid()", "open('/etc/shadow')",
                                            "import os\nos.fork()"};
  Batch batch;
  for (const auto& source : sources) batch.sources.push_back(&source);
  batch.verdicts.resize(sources.size());
  pool.run(batch);
  EXPECT_EQ(batch.verdicts[0].answer, 65534);
  EXPECT_TRUE(batch.verdicts[1].detail.starts_with("FileNotFoundError")) << batch.verdicts[1].detail;
  EXPECT_EQ(batch.verdicts[2].outcome, Outcome::kForbiddenCall);
}

// What the tests below have a second process print.
TEST(SecondProcess, DISABLED_Judges) {
  const auto judge = Judge::open({.workers = 1});
  EXPECT_EQ(judge->judge(std::vector<Program>{{"answer = 6 * 7", 42.0}}).front().outcome, Outcome::kPassed);
  fmt::print("judged as user {}\n", geteuid());
}

std::vector<std::string> second_process(std::vector<std::string> before) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  for (const char* word : {program.c_str(), "--gtest_also_run_disabled_tests", "--gtest_filter=SecondProcess.*"})
    before.emplace_back(word);
  return before;
}

TEST_F(AJudge, WorksForAnotherUser) {
  if (geteuid() != 0)
    GTEST_SKIP() << "this is another user already; as root the test starts itself again as user 12345";
  const std::vector<std::string> as_user = {"/usr/bin/setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"};
  auto readable = as_user;
  for (const char* word : {"/usr/bin/test", "-x"}) readable.emplace_back(word);
  readable.push_back(std::filesystem::read_symlink("/proc/self/exe"));
  if (run_to_end(readable, 10).status != 0) GTEST_SKIP() << "user 12345 cannot read this test's program";
  const Finished finished = run_to_end(second_process(as_user), 60);
  EXPECT_EQ(finished.status, 0) << finished.output;
  EXPECT_NE(finished.output.find("judged as user 12345"), std::string::npos) << finished.output;
}

TEST_F(AJudge, RefusesWhereThereAreNoUserNamespacesAndSaysWhatToDo) {
  // A user namespace of our own, in which no further ones may be made: what a strict container looks like from inside.
  const std::vector<std::string> strict = {
      "/usr/bin/unshare", "--user", "--map-root-user",
      "/bin/sh",          "-c",     "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\""};
  const Finished finished = run_to_end(second_process(strict), 60);
  if (finished.output.find("SecondProcess") == std::string::npos) GTEST_SKIP() << finished.output;
  EXPECT_NE(finished.status, 0);
  EXPECT_NE(finished.output.find("programs are judged in isolation only, and it cannot be set up"), std::string::npos)
      << finished.output;
  EXPECT_NE(finished.output.find("user namespaces are switched off: sudo sysctl user.max_user_namespaces"),
            std::string::npos)
      << finished.output;
  EXPECT_EQ(finished.output.find("judged as user"), std::string::npos) << finished.output;
}

TEST(OpenAJudge, RefusesAnInterpreterThatIsNone) {
  EXPECT_NE(message_of<UserError>([] { Judge::open({.python = "/bin/true"}); }).find("does not work as an interpreter"),
            std::string::npos);
}

TEST(NameOf, IsTheSpellingOfTheVerdictsFile) {
  EXPECT_STREQ(name_of(Outcome::kPassed), "passed");
  EXPECT_STREQ(name_of(Outcome::kForbiddenCall), "forbidden_call");
  EXPECT_STREQ(name_of(Outcome::kTimeOut), "time_out");
}

TEST(JudgeOptionsFlags, NameLimitsAndCheck) {
  JudgeOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "",
               {"--limits.seconds=0.5", "--limits.processes=2", "--check.type_policy=float_only", "--workers=3"});
  EXPECT_EQ(options.limits.seconds, 0.5);
  EXPECT_EQ(options.limits.processes, 2);
  EXPECT_EQ(options.check.type_policy, TypePolicy::kFloatOnly);
  EXPECT_EQ(options.workers, 3);
  EXPECT_THROW(read_options(fields, "", {"--limits.memory_mib=1"}), UserError) << "the interpreter alone needs more";
}

}  // namespace
}  // namespace limbeck::sandbox
