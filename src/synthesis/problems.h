// Problems with answers, and worked examples for few-shot prompts, as records (base/records.h: JSON Lines,
// CSV).
//   problems  {"id": "p1", "question": "…", "answer": 12}, and "group": "…" where several are variations of one
//   examples  {"question": "…", "program": "n0 = 3.0\nanswer = n0 * 4.0"}
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace limbeck::synthesis {

struct Problem {
  std::string id, question;
  double answer = 0;        // NaN where the answer is a text
  std::string answer_text;  // as it stands in the file
  std::string group;        // problems of one group are variations of each other; the id where the file names none
};

struct WorkedExample {
  std::string question, program;
};

enum class Answers { kNumbers, kAny };  // kAny: numbers or texts

// In file order. Throws UserErrors naming every line that is not a problem: no id, question or answer, an id seen
// before. An empty file is a mistake too.
std::vector<Problem> read_problems(const std::filesystem::path& path, Answers answers = Answers::kNumbers);
// A number for each problem, the same for those of one group.
std::vector<int64_t> group_numbers(std::span<const Problem> problems);
std::vector<WorkedExample> read_examples(const std::filesystem::path& path);

}  // namespace limbeck::synthesis
