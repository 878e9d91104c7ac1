#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/files.h"
#include "base/json.h"
#include "cli/program.h"
#include "sandbox/isolation_lacks.h"
#include "sandbox/process.h"

namespace limbeck {
namespace {

class Verify : public ::testing::Test {
 protected:
  void SetUp() override {
    static const std::string lacks = sandbox::isolation_lacks();
    if (!lacks.empty()) GTEST_SKIP() << lacks;
  }
  Outcome verify(const std::string& lines, std::vector<std::string> more = {}) {
    write_file_atomically(folder_ / "in.jsonl", lines);
    more.insert(more.begin(), {"verify", "--input=" + (folder_ / "in.jsonl").string(), "--out=" + out().string()});
    return run_program(more);
  }
  std::vector<Json> rows() {
    std::vector<Json> rows;
    read_jsonl(out(), [&](const Json& row, int64_t) { rows.push_back(row); });
    return rows;
  }
  std::filesystem::path out() const { return folder_ / "out.jsonl"; }
  TemporaryFolder folder_;
};

TEST_F(Verify, WritesEveryLineBackWithItsVerdict) {
  const Outcome outcome = verify(
      "{\"id\": \"a\", \"program\": \"answer = 3 * 4.0\", \"answer\": 12, \"note\": [1, 2]}\n"
      "\n"
      "{\"program\": \"answer = 13\", \"answer\": 12.0}\n"
      "{\"program\": \"answer = 1 / 0\", \"answer\": 12.0}\n"
      "{\"program\": \"import socket\\nsocket.socket()\", \"answer\": 1}\n"
      "{\"program\": \"answer = 99\"}\n"
      "{\"program\": \"answer = 99\", \"answer\": null}\n");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const auto lines = rows();
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_EQ(lines[0]["id"], "a");
  EXPECT_EQ(lines[0]["note"], Json::parse("[1, 2]"));
  EXPECT_EQ(lines[0]["program"], "answer = 3 * 4.0");
  EXPECT_EQ(lines[0]["verdict"], "passed");
  EXPECT_EQ(lines[0]["bound"], 12.0);
  EXPECT_EQ(lines[0]["type"], "float");
  EXPECT_EQ(lines[1]["verdict"], "wrong_answer");
  EXPECT_EQ(lines[2]["verdict"], "exception");
  EXPECT_EQ(lines[2]["detail"], "ZeroDivisionError: division by zero");
  EXPECT_TRUE(lines[2]["bound"].is_null());
  EXPECT_EQ(lines[3]["verdict"], "forbidden_call");
  EXPECT_EQ(lines[3]["detail"], "socket");
  EXPECT_EQ(lines[4]["verdict"], "passed");
  EXPECT_EQ(lines[5]["verdict"], "passed");
  EXPECT_EQ(outcome.out, "exception       1\nforbidden_call  1\npassed          3\nwrong_answer    1\n");
}

TEST_F(Verify, NamesEveryBadLineBeforeAnyWork) {
  const Outcome outcome = verify(
      "{\"program\": \"answer = 1\", \"answer\": 1}\n"
      "{\"answer\": 1}\n"
      "{\"program\": 5}\n"
      "{\"program\": \"answer = 1\", \"answer\": \"one\"}\n");
  EXPECT_EQ(outcome.code, 2);
  for (const char* part : {"in.jsonl:2", "in.jsonl:3", "in.jsonl:4", "field 'answer': expected a number but received"})
    EXPECT_NE(outcome.error.find(part), std::string::npos) << outcome.error;
  EXPECT_EQ(outcome.error.find("in.jsonl:1]"), std::string::npos) << outcome.error;
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(Verify, NamesALineThatIsNoJsonAndKeepsAnOlderResult) {
  write_file_atomically(out(), "older");
  const Outcome outcome = verify("{\"program\": \"answer = 1\"}\n{\"program\": \"answer\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("in.jsonl:2"), std::string::npos) << outcome.error;
  EXPECT_EQ(read_file(out()), "older");
}

TEST_F(Verify, RefusesAnEmptyFile) {
  const Outcome outcome = verify("\n\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("holds no programs"), std::string::npos) << outcome.error;
}

TEST_F(Verify, TakesLimitsAndTheCheckFromFlags) {
  const Outcome outcome = verify(
      "{\"program\": \"answer = 12\", \"answer\": 12}\n"
      "{\"program\": \"answer = 14.0\", \"answer\": 12}\n"
      "{\"program\": \"print('x' * 100)\\nanswer = 12.0\", \"answer\": 12}\n",
      {"--check.type_policy=float_only", "--check.relative_tolerance=0.2", "--limits.output_bytes=50", "--workers=1"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_EQ(rows()[0]["verdict"], "wrong_answer");
  EXPECT_EQ(rows()[1]["verdict"], "passed");
  EXPECT_EQ(rows()[2]["verdict"], "output_limit");
}

TEST_F(Verify, WritesStrangeDetailsAndAnswersAsJson) {
  const Outcome outcome = verify(
      "{\"program\": \"raise ValueError('\\ud83d\\ude00\\u0007')\"}\n{\"program\": \"answer = float('nan')\"}\n");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_EQ(rows()[0]["detail"], "ValueError: \xf0\x9f\x98\x80 ");
  EXPECT_EQ(rows()[1]["verdict"], "wrong_answer");
  EXPECT_TRUE(rows()[1]["bound"].is_null());
}

class VerifyAtWork : public Verify {
 protected:
  void SetUp() override {
    Verify::SetUp();
    if (IsSkipped()) return;
    std::string lines;
    for (int i = 0; i < 200; ++i)
      lines += fmt::format("{{\"program\": \"import time\\ntime.sleep(0.5)\\nanswer = {}\"}}\n", i);
    write_file_atomically(folder_ / "in.jsonl", lines);
    const sandbox::Descriptor errors(open((folder_ / "errors").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    pid_ = sandbox::start_process({.command = {LIMBECK_PROGRAM, "verify", "--input=" + (folder_ / "in.jsonl").string(),
                                               "--out=" + out().string()},
                                   .errors = errors.get(),
                                   .environment = environ});
    for (int i = 0; i < 1000 && files() < 3; ++i) usleep(20000);  // until the temporary file of the verdicts is there
    ASSERT_EQ(files(), 3);
  }
  std::ptrdiff_t files() const { return std::distance(std::filesystem::directory_iterator(folder_.path()), {}); }
  // Waits for its end; returns its wait status.
  int signal_it(int signal) {
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    return status;
  }
  pid_t pid_ = -1;
};

TEST_F(VerifyAtWork, StopsSoonAfterCtrlCAndWritesNothing) {
  EXPECT_EQ(WEXITSTATUS(signal_it(SIGINT)), 130);
  EXPECT_EQ(files(), 2) << "nothing but the input and what was said";
  const std::string said = read_file(folder_ / "errors");
  EXPECT_NE(said.find("no verdicts were written; the same command starts again"), std::string::npos) << said;
}

// Every process below `pid`, by /proc.
void add_descendants(pid_t pid, std::vector<pid_t>& found) {
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
    std::ifstream file(task.path() / "children");
    for (pid_t child; file >> child;) {
      found.push_back(child);
      add_descendants(child, found);
    }
  }
}

// A zombie counts as gone: it only waits for the machine's process 1 to collect it.
bool runs(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  const std::string stat((std::istreambuf_iterator<char>(file)), {});
  const auto name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat[name_end + 2] != 'Z';
}

TEST_F(VerifyAtWork, LeavesNoProcessesWhenItIsKilled) {
  std::vector<pid_t> processes;
  add_descendants(pid_, processes);
  ASSERT_GE(processes.size(), 2U) << "bubblewrap and its interpreter";
  signal_it(SIGKILL);
  const auto alive = [&] { return std::count_if(processes.begin(), processes.end(), runs); };
  for (int i = 0; i < 500 && alive() > 0; ++i) usleep(20000);
  EXPECT_EQ(alive(), 0);
}

TEST_F(Verify, ATraceHoldsASpanForEachProgramOnTheThreadsOfTheWorkers) {
  const Outcome outcome = verify("{\"program\": \"answer = 1\"}\n{\"program\": \"answer = 2\"}\n",
                                 {"--profile=" + (folder_ / "trace.json").string()});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  std::map<std::string, int> counts;
  const Json trace = read_json(folder_ / "trace.json");
  for (const Json& event : trace.at("traceEvents"))
    if (event.at("ph") == "X") ++counts[event.at("name")];
  EXPECT_GE(counts["program"], 2);
  for (const char* name : {"read", "start interpreters", "judge", "write"}) EXPECT_GE(counts[name], 1) << name;
}

}  // namespace
}  // namespace limbeck
