#include "base/run.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/errors.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck {
namespace {

namespace fs = std::filesystem;

const std::string kOptions = "samples = 8\n\n[train]\nepochs = 3.0\n";

class RunTest : public ::testing::Test {
 protected:
  RunTest() { write_file_atomically(input_, "{\"question\":1}\n"); }
  limbeck::Run open(const std::string& options = kOptions, uint64_t seed = 1, const std::string& method = "ekt") const {
    return limbeck::Run::open(folder_, method, options, {input_}, Seed(seed));
  }
  std::vector<Json> log_rows() const {
    std::vector<Json> rows;
    read_jsonl(folder_ / "log.jsonl", [&](const Json& row, int64_t) { rows.push_back(row); });
    return rows;
  }
  TemporaryFolder top_;
  fs::path folder_ = top_ / "runs/one", input_ = top_ / "problems.jsonl";
};

TEST_F(RunTest, WritesWhatTheRunIsMadeOf) {
  const limbeck::Run run = open();
  EXPECT_FALSE(run.resumed());
  EXPECT_EQ(run.seed().value(), 1u);
  EXPECT_EQ(read_file(folder_ / "options.toml"), kOptions);
  const Json manifest = read_json(folder_ / "manifest.json");
  EXPECT_EQ(manifest["version"], LIMBECK_VERSION);
  EXPECT_EQ(manifest["method"], "ekt");
  EXPECT_EQ(manifest["seed"], 1);
  EXPECT_EQ(manifest["options_sha256"], sha256(kOptions));
  EXPECT_EQ(manifest["inputs"][0]["sha256"], sha256("{\"question\":1}\n"));
  EXPECT_GE(manifest["machine"]["cores"], 1);
}

TEST_F(RunTest, GoesOnWithTheSameOptionsAndLeavesTheManifest) {
  { const limbeck::Run run = open(); }
  const std::string manifest = read_file(folder_ / "manifest.json");
  const limbeck::Run again = open();
  EXPECT_TRUE(again.resumed());
  EXPECT_EQ(read_file(folder_ / "manifest.json"), manifest);
}

TEST_F(RunTest, GoesOnWithTheSameOptionsInAnotherOrder) {
  { const limbeck::Run run = open("a = 1\nb = 2\n\n[train]\nepochs = 3.0\n"); }
  write_file_atomically(folder_ / "samples.jsonl", "{}\n");
  EXPECT_TRUE(open("b = 2\na = 1\n\n[train]\nepochs = 3.0\n").resumed());
  const std::string message = message_of<UserError>([&] { open("b = 1\na = 2\n\n[train]\nepochs = 3.0\n"); });
  EXPECT_NE(message.find("option a: 1 there, 2 now"), std::string::npos) << message;
}

TEST_F(RunTest, SaysWhichOptionsDiffer) {
  { const limbeck::Run run = open(); }
  write_file_atomically(folder_ / "samples.jsonl", "{}\n");
  const std::string message = message_of<UserError>([&] { open("samples = 8\nnew = 1\n\n[train]\nepochs = 4.0\n"); });
  EXPECT_NE(message.find("option train.epochs: 3.0 there, 4.0 now"), std::string::npos) << message;
  EXPECT_NE(message.find("option new: not set there, 1 now"), std::string::npos);
  EXPECT_EQ(message.find("samples"), std::string::npos);
  EXPECT_EQ(read_file(folder_ / "options.toml"), kOptions);
}

// A mistake in a data file must not leave a folder that can no longer be used.
TEST_F(RunTest, BeginsAnewWhereNothingWasMadeYet) {
  { const limbeck::Run run = open(); }
  write_file_atomically(folder_ / "dropped.jsonl", "{}\n");
  write_file_atomically(input_, "{\"question\":2}\n");
  const limbeck::Run run = open("samples = 9\n", 2);
  EXPECT_FALSE(run.resumed());
  EXPECT_EQ(read_file(folder_ / "options.toml"), "samples = 9\n");
  EXPECT_EQ(read_json(folder_ / "manifest.json")["inputs"][0]["sha256"], sha256("{\"question\":2}\n"));
  EXPECT_EQ(log_rows().size(), 1u);
  EXPECT_FALSE(fs::exists(folder_ / "dropped.jsonl"));
}

TEST_F(RunTest, GoesOnWhereOnlyLinesDifferThatAreNotCompared) {
  { const limbeck::Run run = open("batch = 8  # not compared\nsamples = 8\n"); }
  write_file_atomically(folder_ / "samples.jsonl", "{}\n");
  EXPECT_TRUE(open("batch = 2  # not compared\nsamples = 8\n").resumed());
  const std::string message = message_of<UserError>([&] { open("batch = 2  # not compared\nsamples = 9\n"); });
  EXPECT_NE(message.find("option samples: 8 there, 9 now"), std::string::npos) << message;
  EXPECT_EQ(message.find("batch"), std::string::npos);
}

TEST_F(RunTest, TouchesNothingInAFolderThatItRefuses) {
  fs::create_directories(folder_ / "data");
  fs::create_directories(folder_ / "data.old-20240115");
  write_file_atomically(folder_ / "notes.tmp-20240115", "mine");
  EXPECT_THROW(open(), UserError);
  EXPECT_TRUE(fs::exists(folder_ / "data.old-20240115"));
  EXPECT_TRUE(fs::exists(folder_ / "notes.tmp-20240115"));
}

TEST_F(RunTest, SaysThatSeedMethodOrInputDiffer) {
  { const limbeck::Run run = open(); }
  write_file_atomically(folder_ / "samples.jsonl", "{}\n");
  EXPECT_NE(message_of<UserError>([&] { open(kOptions, 2); }).find("seed: 1 there, 2 now"), std::string::npos);
  EXPECT_NE(message_of<UserError>([&] { open(kOptions, 1, "ekd"); }).find("method: \"ekt\" there, \"ekd\" now"),
            std::string::npos);
  write_file_atomically(input_, "{\"question\":2}\n");
  EXPECT_NE(message_of<UserError>([&] { open(); }).find("problems.jsonl: its content is another"), std::string::npos);
}

TEST_F(RunTest, RefusesAFolderOfAnotherProgramVersion) {
  { const limbeck::Run run = open(); }
  write_file_atomically(folder_ / "samples.jsonl", "{}\n");
  Json manifest = read_json(folder_ / "manifest.json");
  manifest["version"] = "0.0.1";
  write_json(folder_ / "manifest.json", manifest);
  EXPECT_NE(message_of<UserError>([&] { open(); }).find("version: \"0.0.1\" there"), std::string::npos);
}

TEST_F(RunTest, GoesOnInAnotherBuildOfTheSameVersionButSaysSo) {
  { const limbeck::Run run = open(); }
  Json manifest = read_json(folder_ / "manifest.json");
  manifest["program_sha256"] = "of another build";
  write_json(folder_ / "manifest.json", manifest);
  testing::internal::CaptureStderr();
  EXPECT_TRUE(open().resumed());
  EXPECT_NE(testing::internal::GetCapturedStderr().find("another build"), std::string::npos);
  EXPECT_EQ(log_rows().back()["program_sha256"], sha256_of_file("/proc/self/exe"));
}

TEST_F(RunTest, SaysThatAManifestIsBroken) {
  { const limbeck::Run run = open(); }
  write_file_atomically(folder_ / "manifest.json", "{\"version\": ");
  EXPECT_NE(message_of<Error>([&] { open(); }).find("manifest.json:1"), std::string::npos);
  write_file_atomically(folder_ / "manifest.json", "[1]");
  EXPECT_THROW(open(), Error);
  write_file_atomically(folder_ / "manifest.json", R"({"version": 1, "inputs": [3, {"sha256": 4}], "machine": null})");
  EXPECT_THROW(open(), Error);
}

TEST_F(RunTest, LeavesAFolderWithForeignFilesAlone) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "thesis.tex") << "years of work";
  EXPECT_NE(message_of<UserError>([&] { open(); }).find("thesis.tex"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "options.toml"));
}

TEST_F(RunTest, StartsAnewWhereAKillCameBeforeTheManifest) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "options.toml") << "half";
  const limbeck::Run run = open();
  EXPECT_FALSE(run.resumed());
  EXPECT_EQ(read_file(folder_ / "options.toml"), kOptions);
}

TEST_F(RunTest, RefusesASecondProcessInTheSameFolder) {
  const limbeck::Run run = open();
  EXPECT_NE(message_of<UserError>([&] { open(); }).find("another process"), std::string::npos);
}

TEST_F(RunTest, FreesTheFolderWhenItsProcessIsKilled) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const limbeck::Run run = open();
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(pid, nullptr, 0);
  EXPECT_TRUE(open().resumed());
}

TEST_F(RunTest, NamesAMissingInputAndAFileInTheWay) {
  EXPECT_NE(
      message_of<UserError>([&] { limbeck::Run::open(folder_, "ekt", "", {top_ / "gone"}, Seed(1)); }).find("gone"),
      std::string::npos);
  EXPECT_THROW(limbeck::Run::open(input_, "ekt", "", {}, Seed(1)), UserError);
  EXPECT_THROW(limbeck::Run::open(input_ / "below", "ekt", "", {}, Seed(1)), UserError);
}

TEST_F(RunTest, KnowsAnInputFolderByTheContentOfItsFiles) {
  const fs::path model = top_ / "model";
  fs::create_directories(model / "sub");
  write_file_atomically(model / "sub/weights", "1");
  { const limbeck::Run run = limbeck::Run::open(folder_, "ekt", "", {model}, Seed(1)); }
  { const limbeck::Run run = limbeck::Run::open(folder_, "ekt", "", {model}, Seed(1)); }
  write_file_atomically(folder_ / "samples.jsonl", "{}\n");
  write_file_atomically(model / "sub/weights", "2");
  EXPECT_THROW(limbeck::Run::open(folder_, "ekt", "", {model}, Seed(1)), UserError);
}

TEST_F(RunTest, LogsRowsWithATimeFromSeveralThreads) {
  {
    const limbeck::Run run = open();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&run, t] {
        for (int i = 0; i < 100; ++i) run.log({{"kind", "step"}, {"step", i}, {"thread", t}});
      });
    for (auto& thread : threads) thread.join();
  }
  const auto rows = log_rows();
  ASSERT_EQ(rows.size(), 401u);
  EXPECT_EQ(rows[0]["kind"], "start");
  for (const auto& row : rows) EXPECT_GT(row["time"], 1.7e9);
}

TEST_F(RunTest, GivesChildrenAFolderALogAndASeedOfTheirOwn) {
  const limbeck::Run run = open();
  const limbeck::Run first = run.child("first"), second = run.child("second");
  EXPECT_EQ(first.folder(), folder_ / "first");
  EXPECT_NE(first.seed().value(), second.seed().value());
  EXPECT_EQ(first.seed().value(), run.seed().derive("first").value());
  EXPECT_EQ(run.child("third", Seed(7)).seed().value(), Seed(7).value());
  first.log({{"kind", "x"}});
  EXPECT_NE(read_file(folder_ / "first/log.jsonl").find("\"x\""), std::string::npos);
}

TEST_F(RunTest, RemovesWhatAKilledProcessLeftHalfWritten) {
  { const limbeck::Run run = open(); }
  std::ofstream(folder_ / ("model.tmp-" + std::to_string(::getpid()))) << "half";
  const limbeck::Run run = open();
  EXPECT_FALSE(fs::exists(folder_ / ("model.tmp-" + std::to_string(::getpid()))));
}

}  // namespace
}  // namespace limbeck
