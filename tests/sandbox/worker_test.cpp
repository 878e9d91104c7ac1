// Supervisors of every bad kind: a program that broke out of Python would speak in the supervisor's place.
#include "sandbox/worker.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "sandbox/isolation.h"
#include "sandbox/open_judge.h"

namespace limbeck::sandbox {
namespace {

// A Python script with the frames at hand: ready(), request() -> (id, source), reply(id, report).
Launch script(const std::string& body) {
  const auto found = find_interpreter("");
  const std::string python = found.interpreter ? found.interpreter->executable : "/usr/bin/python3";
  const std::string frames = fmt::format(
      "import os, struct, sys, time\n"
      "def reply(id, report, seconds=0.0):\n"
      "  os.write(0, struct.pack('<IIQiIiIdd', {}, len(report), id, 0, 0, 0, 0, seconds, 0.0) + report)\n"
      "def ready(): reply(2**64 - 1, b'ready')\n"
      "def request():\n"
      "  header = os.read(0, 16)\n"
      "  if len(header) < 16: sys.exit(0)\n"
      "  magic, size, id = struct.unpack('<IIQ', header)\n"
      "  return id, os.read(0, size)\n",
      kReplyMagic);
  return {.command = {python, "-I", "-S", "-c", frames + body}, .filter = {0}, .patience = 10};
}

std::vector<Verdict> judged(Worker& worker, const std::vector<std::string>& sources) {
  std::vector<Verdict> verdicts(sources.size());
  std::size_t next = 0;
  worker.work(
      [&]() -> std::optional<Job> {
        if (next == sources.size()) return std::nullopt;
        const std::size_t index = next++;
        return Job{.index = index, .source = &sources[index]};
      },
      [&](const Job& job, Verdict verdict) { verdicts[job.index] = std::move(verdict); });
  return verdicts;
}

std::vector<Verdict> judged(const Launch& launch, const std::vector<std::string>& sources) {
  Worker worker(launch, {.seconds = 0.1});
  worker.start();
  return judged(worker, sources);
}

std::string start_failure(const Launch& launch) {
  Worker worker(launch, {});
  return message_of<Error>([&] { worker.start(); });
}

const char* const kHonest = "ready()\nwhile True:\n  id, source = request()\n  reply(id, b'E' + source)\n";

TEST(Worker, GivesVerdictsToTheProgramsTheyBelongTo) {
  std::vector<std::string> sources;
  for (int i = 0; i < 50; ++i) sources.push_back(fmt::format("program {}", i));
  const auto verdicts = judged(script(kHonest), sources);
  for (std::size_t i = 0; i < sources.size(); ++i) EXPECT_EQ(verdicts[i].detail, sources[i]);
}

TEST(SlowWorker, SaysWhyASupervisorDoesNotStart) {
  EXPECT_NE(start_failure({.command = {"/no/such/bwrap"}, .filter = {0}}).find("does not start: it ended"),
            std::string::npos);
  EXPECT_NE(start_failure(script("os.write(2, b'no namespaces here\\n')")).find("it ended; no namespaces here"),
            std::string::npos);
  EXPECT_NE(
      start_failure(script("os.write(0, b'hello, this is no frame at all' * 9); time.sleep(60)")).find("its mark"),
      std::string::npos);
  Launch silent = script("time.sleep(60)");
  silent.patience = 0.2;
  EXPECT_NE(start_failure(silent).find("no answer in time"), std::string::npos);
  EXPECT_NE(start_failure(script("reply(5, b'N')\ntime.sleep(60)")).find("before it was ready"), std::string::npos);
}

TEST(Worker, ReplacesASupervisorThatDiesAndTriesItsProgramOnceMore) {
  const auto verdicts = judged(script("ready()\nwhile True:\n  id, source = request()\n  if source == b'poison': "
                                      "sys.exit(1)\n  reply(id, b'E' + source)\n"),
                               {"a", "b", "poison", "c", "d", "poison", "e"});
  const std::vector<std::string> expected = {
      "a", "b", "its interpreter was lost: it ended", "c", "d", "its interpreter was lost: it ended", "e"};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(verdicts[i].detail, expected[i]);
  EXPECT_EQ(verdicts[2].outcome, Outcome::kKilled);
  EXPECT_EQ(verdicts[3].outcome, Outcome::kException);
}

TEST(Worker, ReplacesASupervisorThatWritesGarbageAnswersAnotherOrFloods) {
  for (const char* misdeed :
       {"os.write(0, os.urandom(100000))", "reply(id + 1, b'N')", "reply(2**64 - 1, b'ready')",
        "reply(id, b'N' * 5000)", "reply(id, b'N', float('nan'))", "os.write(0, b'LMBr' * 100)"}) {
    const auto verdicts = judged(script(fmt::format("ready()\nwhile True:\n  id, source = request()\n"
                                                    "  if source == b'poison':\n    {}\n    time.sleep(30)\n"
                                                    "  reply(id, b'E' + source)\n",
                                                    misdeed)),
                                 {"a", "poison", "b"});
    EXPECT_EQ(verdicts[0].detail, "a") << misdeed;
    EXPECT_EQ(verdicts[1].outcome, Outcome::kKilled) << misdeed;
    EXPECT_TRUE(verdicts[1].detail.starts_with("its interpreter was lost: ")) << verdicts[1].detail;
    EXPECT_EQ(verdicts[2].detail, "b") << misdeed;
  }
}

TEST(SlowWorker, DoesNotWaitForeverForASupervisorThatHangs) {
  Launch launch = script(
      "ready()\nwhile True:\n  id, source = request()\n  if source == b'hang': time.sleep(60)\n  reply(id, b'E' + "
      "source)\n");
  launch.patience = 1.5;  // for its start as well
  const auto verdicts = judged(launch, {"hang", "a"});
  EXPECT_EQ(verdicts[0].detail, "its interpreter was lost: it gave no answer in time");
  EXPECT_EQ(verdicts[1].detail, "a");
}

TEST(Worker, GivesUpWhenEverySupervisorIsLost) {
  const std::vector<std::string> sources(20, "x");
  EXPECT_NE(message_of<Error>([&] { judged(script("ready()\nrequest()\n"), sources); }).find("lost 9 times in a row"),
            std::string::npos);
}

TEST(Worker, SendsSourcesLargerThanTheChannel) {
  const auto verdicts =
      judged(script("ready()\nwhile True:\n  header = os.read(0, 16)\n  if not header: break\n  _, size, id = "
                    "struct.unpack('<IIQ', header)\n"
                    "  got = 0\n  while got < size: got += len(os.read(0, size - got))\n  reply(id, b'E%d' % got)\n"),
             {std::string(1 << 20, 'x'), std::string(1 << 20, 'y'), "z"});
  EXPECT_EQ(verdicts[0].detail, "1048576");
  EXPECT_EQ(verdicts[2].detail, "1");
}

}  // namespace
}  // namespace limbeck::sandbox
