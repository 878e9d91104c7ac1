#include "synthesis/problems.h"

#include <cmath>  // std::isfinite
#include <limits>
#include <map>

#include "base/errors.h"
#include "base/json.h"
#include "base/records.h"

namespace limbeck::synthesis {
namespace {

constexpr std::size_t kMostMistakes = 20;

// Collects the mistakes of one file, so that all are reported at once.
class Mistakes {
 public:
  explicit Mistakes(const std::filesystem::path& path) : path_(path) {}
  void add(int64_t line, const std::string& message) {
    ++count_;
    if (list_.size() < kMostMistakes) list_.push_back(fmt::format("[{}:{}] {}", path_.string(), line, message));
  }
  void throw_if_any() {
    if (count_ == 0) return;
    if (count_ > list_.size()) list_.push_back(fmt::format("and {} more in {}", count_ - list_.size(), path_.string()));
    throw UserErrors(std::move(list_));
  }

 private:
  std::filesystem::path path_;
  std::vector<std::string> list_;
  std::size_t count_ = 0;
};

std::string shown(const Json& value) {
  const std::string text = to_line(value);
  return text.size() > 40 ? fmt::format("{:.37}...", text) : text;
}

// The non-empty text under `key`, or "" with a mistake noted.
std::string text_of(const Json& row, const char* key, int64_t line, Mistakes& mistakes) {
  const auto found = row.find(key);
  if (found == row.end()) {
    mistakes.add(line, fmt::format("field '{}': expected a text but there is none", key));
    return "";
  }
  if (!found->is_string() || found->get_ref<const std::string&>().find_first_not_of(" \t\r\n") == std::string::npos) {
    mistakes.add(line, fmt::format("field '{}': expected a text but received {}", key, shown(*found)));
    return "";
  }
  return found->get<std::string>();
}

std::string id_of(const Json& row, int64_t line, Mistakes& mistakes) {
  const auto found = row.find("id");
  if (found != row.end() && found->is_number_integer()) return found->dump();
  return text_of(row, "id", line, mistakes);
}

void read_answer(const Json& row, int64_t line, Answers answers, Problem& problem, Mistakes& mistakes) {
  const char* wanted = answers == Answers::kNumbers ? "a number" : "a number or a text";
  const auto answer = row.find("answer");
  if (answer == row.end() || answer->is_null()) {
    mistakes.add(line, fmt::format("problem '{}' has no answer: expected {} under 'answer'", problem.id, wanted));
  } else if (answers == Answers::kAny && answer->is_string()) {
    problem.answer = std::numeric_limits<double>::quiet_NaN();
    problem.answer_text = text_of(row, "answer", line, mistakes);
  } else if (!answer->is_number() || !std::isfinite(answer->get<double>())) {
    mistakes.add(line, fmt::format("field 'answer': expected {} but received {}", wanted, shown(*answer)));
  } else {
    problem.answer = answer->get<double>();
    // 12.0 is the number 12, which people write without a point.
    const bool whole = std::abs(problem.answer) < 1e15 && problem.answer == std::trunc(problem.answer);
    problem.answer_text = whole ? fmt::format("{:.0f}", problem.answer) : to_line(*answer);
  }
}

}  // namespace

std::vector<Problem> read_problems(const std::filesystem::path& path, Answers answers) {
  std::vector<Problem> problems;
  std::map<std::string, int64_t> line_of_id;
  Mistakes mistakes(path);
  RecordOptions options;
  if (answers == Answers::kNumbers) options.numbers = {"answer"};
  read_records(
      path,
      [&](const Json& row, int64_t line) {
        Problem problem{.id = id_of(row, line, mistakes), .question = text_of(row, "question", line, mistakes)};
        read_answer(row, line, answers, problem, mistakes);
        problem.group = row.contains("group") ? text_of(row, "group", line, mistakes) : problem.id;
        if (!problem.id.empty()) {
          const auto [first, is_new] = line_of_id.emplace(problem.id, line);
          if (!is_new)
            mistakes.add(line, fmt::format("id '{}' was already used on line {}", problem.id, first->second));
        }
        problems.push_back(std::move(problem));
      },
      options);
  mistakes.throw_if_any();
  if (problems.empty()) user_fail(path.string(), "expected at least one problem but the file is empty");
  return problems;
}

std::vector<int64_t> group_numbers(std::span<const Problem> problems) {
  std::map<std::string, int64_t> numbers;
  std::vector<int64_t> result;
  for (const auto& problem : problems)
    result.push_back(numbers.emplace(problem.group, static_cast<int64_t>(numbers.size())).first->second);
  return result;
}

std::vector<WorkedExample> read_examples(const std::filesystem::path& path) {
  std::vector<WorkedExample> examples;
  Mistakes mistakes(path);
  read_records(path, [&](const Json& row, int64_t line) {
    examples.push_back({text_of(row, "question", line, mistakes), text_of(row, "program", line, mistakes)});
  });
  mistakes.throw_if_any();
  if (examples.empty()) user_fail(path.string(), "expected at least one worked example but the file is empty");
  return examples;
}

}  // namespace limbeck::synthesis
