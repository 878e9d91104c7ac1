#include "sandbox/pool.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/message_of.h"
#include "sandbox/interpreter.h"

namespace limbeck::sandbox {
namespace {

// Answers every request with `said`, a Python expression, as the exception's text, after `seconds`.
Launch echo(double seconds, const char* said = "source") {
  const auto found = find_interpreter("");
  const std::string script = fmt::format(
      "import os, struct, time\n"
      "def reply(id, report): os.write(0, struct.pack('<IIQiIiIdd', {}, len(report), id, 0, 0, 0, 0, 0.0, 0.0) + "
      "report)\n"
      "reply(2**64 - 1, b'ready')\n"
      "while True:\n"
      "  header = os.read(0, 16)\n"
      "  if not header: break\n"
      "  _, size, id = struct.unpack('<IIQ', header)\n"
      "  source = os.read(0, size)\n"
      "  time.sleep({})\n"
      "  reply(id, b'E' + {})\n",
      kReplyMagic, seconds, said);
  return {.command = {found.interpreter ? found.interpreter->executable : "/usr/bin/python3", "-I", "-S", "-c", script},
          .filter = {0}};
}

void fill(Batch& batch, const std::vector<std::string>& sources) {
  for (const auto& source : sources) batch.sources.push_back(&source);
  batch.verdicts.resize(sources.size());
}

TEST(Pool, SharesABatchAmongItsWorkers) {
  Pool pool(echo(0.1, "source + b' ' + str(os.getpid()).encode()"), {}, 4);
  const std::vector<std::string> sources = {"a", "b", "c", "d", "e", "f", "g", "h"};
  Batch batch;
  fill(batch, sources);
  pool.run(batch);
  std::set<std::string> workers;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string& detail = batch.verdicts[i].detail;
    EXPECT_EQ(detail.substr(0, 2), sources[i] + " ");
    workers.insert(detail.substr(2));
  }
  EXPECT_GT(workers.size(), 1u);
}

TEST(Pool, RunsManyBatches) {
  Pool pool(echo(0), {}, 3);
  for (int round = 0; round < 50; ++round) {
    const std::vector<std::string> sources(static_cast<std::size_t>(round % 5), fmt::format("round {}", round));
    Batch batch;
    fill(batch, sources);
    pool.run(batch);
    for (const auto& verdict : batch.verdicts) ASSERT_EQ(verdict.detail, sources[0]);
  }
}

TEST(Pool, ThrowsWhatKeepsAWorkerFromStarting) {
  EXPECT_NE(message_of<Error>([] {
              Pool pool({.command = {"/no/such/program"}, .filter = {0}}, {}, 3);
            }).find("does not start"),
            std::string::npos);
}

}  // namespace
}  // namespace limbeck::sandbox
