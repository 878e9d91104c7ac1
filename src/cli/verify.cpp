// limbeck verify --input=programs.jsonl --out=verdicts.jsonl: judges each line's program and writes the line back with
// its verdict. All lines are read before the first is judged; the verdicts are written as one file or not at all.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <map>
#include <span>

#include "base/errors.h"
#include "base/fields.h"
#include "base/files.h"
#include "base/json.h"
#include "base/phases.h"
#include "base/progress.h"
#include "base/records.h"
#include "cli/verbs.h"
#include "sandbox/judge.h"

namespace limbeck::cli {
namespace {

constexpr std::size_t kProgramsAStep = 512;  // programs between two steps of the progress bar

struct VerifyOptions {
  std::string input, out;
  sandbox::JudgeOptions judge;
  void describe(Fields& f) {
    f("input", input,
      "JSON Lines: {\"program\": …, \"answer\": 12.0}; without an answer any number passes; more fields are kept",
      Names::kRequiredFile);
    f("out", out,
      "JSON Lines to write: each line with verdict, detail, bound (what `answer` was bound to), type and seconds",
      Names::kOutputFile);
    judge.describe(f);
  }
};

std::optional<double> expected_answer(const Json& row, const std::string& where) {
  const auto found = row.find("answer");
  if (found == row.end() || found->is_null()) return std::nullopt;
  return field<double>(row, "answer", where);
}

const char* type_name(sandbox::AnswerType type) {
  switch (type) {
    case sandbox::AnswerType::kInt:
      return "int";
    case sandbox::AnswerType::kFloat:
      return "float";
    case sandbox::AnswerType::kOther:
      return "other";
    case sandbox::AnswerType::kNone:
      return "none";
  }
  return "none";
}

Json with_verdict(Json row, const sandbox::Verdict& verdict) {
  row["verdict"] = sandbox::name_of(verdict.outcome);
  row["detail"] = verdict.detail;
  row["bound"] = verdict.answer ? Json(*verdict.answer) : Json();  // NaN and infinity become null
  row["type"] = type_name(verdict.type);
  row["seconds"] = verdict.seconds;
  return row;
}

void read_programs(const std::string& input, std::vector<Json>& rows, std::vector<sandbox::Program>& programs) {
  const Phase phase("read", "cli");
  std::vector<std::string> mistakes;
  read_records(input,
               [&](const Json& row, int64_t line) {
                 const std::string where = fmt::format("{}:{}", input, line);
                 try {
                   programs.push_back(
                       {.source = field<std::string>(row, "program", where), .expected = expected_answer(row, where)});
                   rows.push_back(row);
                 } catch (const UserError& mistake) {
                   mistakes.emplace_back(mistake.what());
                 }
               },
               {.numbers = {"answer"}});
  if (!mistakes.empty()) throw UserErrors(mistakes);
  if (rows.empty()) user_fail("verify", "{} holds no programs", input);
}

// Programs are judged while the lines of those before them are written.
void judge_all(sandbox::Judge& judge, std::span<const sandbox::Program> programs, std::vector<Json>& rows,
               const std::string& out) {
  std::map<std::string, int64_t> counts;
  Progress progress("judging", "programs", static_cast<int64_t>(rows.size()));
  write_file_atomically(out, [&](const Sink& sink) {
    const auto write = [&](std::span<Json> judged, const std::vector<sandbox::Verdict>& verdicts) {
      const Phase phase("write", "cli");
      for (std::size_t i = 0; i < judged.size(); ++i) {
        sink(to_line(with_verdict(std::move(judged[i]), verdicts[i])) + "\n");
        ++counts[sandbox::name_of(verdicts[i].outcome)];
      }
    };
    std::future<void> writing;
    for (std::size_t begin = 0; begin < rows.size(); begin += kProgramsAStep) {
      const std::size_t count = std::min(kProgramsAStep, rows.size() - begin);
      auto verdicts = judge.judge(programs.subspan(begin, count));
      if (writing.valid()) writing.get();
      writing = std::async(std::launch::async, [&write, judged = std::span(rows).subspan(begin, count),
                                                verdicts = std::move(verdicts)] { write(judged, verdicts); });
      progress.set(static_cast<int64_t>(begin + count));
    }
    writing.get();
  });
  progress.finish();
  for (const auto& [name, count] : counts) fmt::print("{:<15} {}\n", name, count);
}

}  // namespace

int verb_verify(const Args& args) {
  VerifyOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.out.empty()) user_fail("verify", "expected --out=FILE.jsonl, where the verdicts go");

  auto opening = std::async(std::launch::async, [&] { return sandbox::Judge::open(options.judge); });
  std::vector<Json> rows;
  std::vector<sandbox::Program> programs;
  read_programs(options.input, rows, programs);
  const auto judge = opening.get();
  try {
    judge_all(*judge, programs, rows, options.out);
  } catch (const Interrupted& stop) {
    throw Interrupted(stop.signal(), "no verdicts were written; the same command starts again");
  }
  return 0;
}

Verb verify_verb() {
  return {"verify", "limbeck verify --input=programs.jsonl --out=verdicts.jsonl",
          "Judges Python programs in isolation and compares their answers", verb_verify, Work::kLong};
}

}  // namespace limbeck::cli
