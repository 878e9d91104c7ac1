#include "sandbox/judge.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>

#include "base/errors.h"
#include "base/interrupt.h"
#include "base/phases.h"
#include "sandbox/filter.h"
#include "sandbox/isolation.h"
#include "sandbox/pool.h"
#include "sandbox/worker.h"

namespace limbeck::sandbox {
namespace {

constexpr std::size_t kMaxSource = std::size_t{1} << 20;  // bytes
constexpr uid_t kNobody = 65534;

Verdict compare(Verdict verdict, const std::optional<double>& expected, const AnswerCheck& check) {
  if (verdict.outcome != Outcome::kPassed) return verdict;
  const double wanted = expected.value_or(verdict.answer.value_or(0));
  const bool matches =
      verdict.answer && std::isfinite(*verdict.answer) && answer_matches(*verdict.answer, verdict.type, wanted, check);
  if (!matches) verdict.outcome = Outcome::kWrongAnswer;
  return verdict;
}

class IsolatedJudge : public Judge {
 public:
  IsolatedJudge(const Launch& launch, const JudgeOptions& options, std::size_t workers)
      : check_(options.check), pool_(launch, options.limits, workers) {}

  std::vector<Verdict> judge(std::span<const Program> programs) override {
    const std::lock_guard one_at_a_time(mutex_);
    const Phase phase("judge", "sandbox");
    Batch batch;
    std::unordered_map<std::string_view, std::size_t> places;
    std::vector<std::optional<std::size_t>> place_of(programs.size());
    for (std::size_t i = 0; i < programs.size(); ++i) {
      if (programs[i].source.size() > kMaxSource) continue;
      const auto [found, is_new] = places.emplace(programs[i].source, batch.sources.size());
      if (is_new) batch.sources.push_back(&programs[i].source);
      place_of[i] = found->second;
    }
    batch.verdicts.resize(batch.sources.size());
    if (!batch.sources.empty()) pool_.run(batch);
    throw_if_interrupted("the same command goes on");
    std::vector<Verdict> verdicts;
    for (std::size_t i = 0; i < programs.size(); ++i) {
      verdicts.push_back(place_of[i] ? compare(batch.verdicts[*place_of[i]], programs[i].expected, check_)
                                     : Verdict{.outcome = Outcome::kException,
                                               .detail = fmt::format("a program of {} bytes; at most {} are judged",
                                                                     programs[i].source.size(), kMaxSource)});
    }
    return verdicts;
  }

 private:
  AnswerCheck check_;
  std::mutex mutex_;
  Pool pool_;
};

// The isolation is not believed but tried: what a program must not be able to do, it is asked to do. (With very short
// limits on a busy machine a probe may run out of time; that lets nothing through either.)
void try_isolation(Judge& judge) {
  const std::vector<Program> probes = {
      {.source = "answer = 42.0", .expected = 42},
      {.source = "import _socket\n_socket.socket()\nanswer = 1.0"},
      {.source = "open('/etc/passwd')\nanswer = 1.0"},
      {.source = "open('/usr/limbeck-probe', 'w')\nanswer = 1.0"},
  };
  const std::set<Outcome> allowed[] = {{Outcome::kPassed, Outcome::kTimeOut},
                                       {Outcome::kForbiddenCall, Outcome::kTimeOut},
                                       {Outcome::kException, Outcome::kTimeOut},
                                       {Outcome::kException, Outcome::kForbiddenCall, Outcome::kTimeOut}};
  const auto verdicts = judge.judge(probes);
  bool holds = true;
  std::string seen;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    holds = holds && allowed[i].contains(verdicts[i].outcome);
    seen += fmt::format("{}{} ({})", seen.empty() ? "" : ", ", name_of(verdicts[i].outcome), verdicts[i].detail);
  }
  if (!holds)
    user_fail("sandbox",
              "the isolation does not hold: expected a sum, a forbidden socket, no /etc/passwd and no writing to /usr "
              "but received {}",
              seen);
}

Launch launch_of(const Isolation& isolation) {
  Launch launch{.command = command_of(isolation), .filter = supervisor_filter()};
  if (isolation.as_nobody) launch.user = kNobody;
  return launch;
}

}  // namespace

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kWrongAnswer:
      return "wrong_answer";
    case Outcome::kException:
      return "exception";
    case Outcome::kTimeOut:
      return "time_out";
    case Outcome::kMemory:
      return "memory";
    case Outcome::kOutputLimit:
      return "output_limit";
    case Outcome::kKilled:
      return "killed";
    case Outcome::kForbiddenCall:
      return "forbidden_call";
  }
  return "unknown";
}

void Limits::describe(Fields& f) {
  f("seconds", seconds, "time that a program may take", within(0.01, 3600));
  f("cpu_seconds", cpu_seconds, "processor time that a program may take", within(0.01, 3600));
  f("memory_mib", memory_mib, "address space of a program, the interpreter's 30 MiB included", within(64, 1 << 20));
  f("output_bytes", output_bytes, "what a program may print", at_least(0));
  f("file_bytes", file_bytes, "what a program may write to files, which are removed after it; 0: no files",
    within(0, 1e12));
  f("processes", processes, "processes and threads that a program may start", within(0, 1000));
  f("open_files", open_files, "descriptors that a program may hold", within(8, 1024));
}

void JudgeOptions::describe(Fields& f) {
  f.group("limits", limits);
  f.group("check", check);
  f("workers", workers, "isolated interpreters that judge at the same time; 0: one per core", within(0, 1024));
  f("python", python, "the interpreter; empty: /usr/bin/python3, else the first python3 in PATH");
}

std::unique_ptr<Judge> Judge::open(const JudgeOptions& options) {
  const Phase phase("start interpreters", "sandbox");
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t workers = options.workers > 0 ? static_cast<std::size_t>(options.workers) : cores;
  Isolation isolation = plan_isolation(options.limits, options.python);
  while (true) {
    try {
      auto judge = std::make_unique<IsolatedJudge>(launch_of(isolation), options, workers);
      try_isolation(*judge);
      return judge;
    } catch (const UserError&) {
      throw;
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      // Where only root may make user namespaces, root does; the program is the same nobody inside.
      if (!std::exchange(isolation.as_nobody, false)) {
        const std::string advice = advice_on(error.what());
        user_fail("sandbox", "programs are judged in isolation only, and it cannot be set up: {}{}", error.what(),
                  advice.empty() ? "" : ". " + advice);
      }
    }
  }
}

}  // namespace limbeck::sandbox
