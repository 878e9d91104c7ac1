// Judges untrusted Python programs in isolation. A verdict is a value. There is no unsafe fallback: a Judge that cannot
// isolate is not made.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"

namespace limbeck::sandbox {

enum class Outcome { kPassed, kWrongAnswer, kException, kTimeOut, kMemory, kOutputLimit, kKilled, kForbiddenCall };
const char* name_of(Outcome outcome);  // "passed", "wrong_answer", "exception", "time_out", "memory", ...

enum class AnswerType { kInt, kFloat, kOther, kNone };

struct Verdict {
  Outcome outcome = Outcome::kKilled;
  std::string detail;            // exception class and message, name of the forbidden call, ...
  std::optional<double> answer;  // what `answer` was bound to, where it was a number
  AnswerType type = AnswerType::kNone;
  double seconds = 0;
};

// How an answer is compared (systems: EKT step 5).
enum class TypePolicy { kFloatOnly, kNumber };  // kFloatOnly: a Python int fails, as in the official open-model path
struct AnswerCheck {
  double relative_tolerance = 0.01;  // |E(z) - a| / max(|a|, 1e-5) < tolerance
  TypePolicy type_policy = TypePolicy::kNumber;
  bool signed_denominator = false;  // the official code's max(a, 1e-5)
  void describe(Fields& f);
};
bool answer_matches(double answer, AnswerType type, double expected, const AnswerCheck& check);

struct Limits {
  // seconds: from start to end, exact; cpu_seconds: a program is stopped at the next whole second, and has timed out
  // beyond the exact value; memory: address space of each process, the interpreter included (about 30 MiB); file_bytes:
  // all files together, of which a program may make 1000, 0: none may be written; processes: that the program may start
  // besides itself (threads count).
  double seconds = 2, cpu_seconds = 1;
  int64_t memory_mib = 256, output_bytes = 65536, file_bytes = 1048576, processes = 0, open_files = 16;
  void describe(Fields& f);
};

struct Program {
  std::string source;
  std::optional<double> expected;  // none: any number bound to `answer` passes
  std::string expected_text{};     // for a judge of texts (synthesis/text_answers.h)
};

struct JudgeOptions {
  Limits limits;
  AnswerCheck check;
  int64_t workers = 0;  // 0: one per core
  std::string python;   // the interpreter; empty: /usr/bin/python3, else the first python3 in PATH
  void describe(Fields& f);
};

class Judge {
 public:
  // Throws UserError saying what is missing when isolation cannot be set up.
  static std::unique_ptr<Judge> open(const JudgeOptions& options);
  virtual ~Judge() = default;
  // Verdicts in the order of the programs. Equal sources are run once. Any thread may call; one batch runs at a time.
  // Throws Interrupted after Ctrl-C or SIGTERM, as soon as the programs that run have ended, and Error when supervisors
  // are lost again and again (a program that loses its own is only called killed).
  virtual std::vector<Verdict> judge(std::span<const Program> programs) = 0;
};

// What works and what is missing, a line each, for `limbeck doctor`.
struct Diagnosis {
  std::string what;
  bool works;
  std::string why;
};
std::vector<Diagnosis> diagnose();

}  // namespace limbeck::sandbox
