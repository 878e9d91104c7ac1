// Problems with numeric answers, and worked examples for few-shot prompts, as JSON Lines.
//   problems  {"id": "p1", "question": "…", "answer": 12}
//   examples  {"question": "…", "program": "n0 = 3.0\nanswer = n0 * 4.0"}
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace limbeck::synthesis {

struct Problem {
  std::string id, question;
  double answer = 0;
};

struct WorkedExample {
  std::string question, program;
};

// In file order. Throws UserErrors naming every line that is not a problem: no id, question or answer, an id seen
// before. An empty file is a mistake too.
std::vector<Problem> read_problems(const std::filesystem::path& path);
std::vector<WorkedExample> read_examples(const std::filesystem::path& path);

}  // namespace limbeck::synthesis
