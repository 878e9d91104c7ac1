#include "recipes/fine_tune_cot_texts.h"

#include <fmt/format.h>

#include <numeric>

#include "base/errors.h"
#include "base/json.h"
#include "base/records.h"

namespace limbeck::recipes {

using synthesis::Problem;

std::vector<CotExample> read_cot_examples(const std::filesystem::path& path) {
  std::vector<CotExample> examples;
  read_records(path, [&](const Json& row, int64_t line) {
    const std::string where = fmt::format("{}:{}", path.string(), line);
    examples.push_back({field<std::string>(row, "question", where), field<std::string>(row, "rationale", where),
                        field<std::string>(row, "answer", where)});
  });
  if (examples.empty()) user_fail(path.string(), "expected at least one worked example but the file is empty");
  return examples;
}

std::string answer_prompt(const Problem& problem) {
  return "Q: " + problem.question + "\nA:";
}

std::string reason_prompt(const Problem& problem) {
  return answer_prompt(problem) + " Let's think step by step.";
}

std::string student_prompt(const Problem& problem) {
  return problem.question + " ###";
}

std::string few_shot_cot_prompt(const std::vector<CotExample>& examples, const Problem& problem) {
  std::string prompt;
  for (const CotExample& example : examples)
    prompt += fmt::format("Q: {}\nA: {} {} {}.\n\n", example.question, example.rationale, kAnswerIs, example.answer);
  return prompt + answer_prompt(problem);
}

std::string CotText::completion() const {
  return rationale.empty() ? " " + answer : fmt::format(" {} {} {}", rationale, kArrow, answer);
}

std::vector<CotText> with_rationales_of_others(std::vector<CotText> texts, Seed seed) {
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random(seed).shuffle(order);
  // Each takes that of the next in a circle through all of them.
  for (std::size_t i = 0; i + 1 < order.size(); ++i)
    std::swap(texts[order[i]].rationale, texts[order[i + 1]].rationale);
  return texts;
}

}  // namespace limbeck::recipes
