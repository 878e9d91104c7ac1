// What is asked and what is learned in Fine-tune-CoT (Ho et al., arXiv:2212.10071, official code; the prompts are those
// of zero-shot-CoT, arXiv:2205.11916, and of chain-of-thought prompting, arXiv:2201.11903).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/seeds.h"
#include "synthesis/problems.h"

namespace limbeck::recipes {

constexpr const char* kArrow = "-->";               // between rationale and answer in a student's text
constexpr const char* kAnswerIs = "The answer is";  // before the answer in a worked example

// A worked example of few-shot-CoT.
struct CotExample {
  std::string question, rationale, answer;
};
// {"question", "rationale", "answer"} a line; UserErrors name the lines that are not.
std::vector<CotExample> read_cot_examples(const std::filesystem::path& path);

std::string answer_prompt(const synthesis::Problem& problem);   // "Q: …\nA:"
std::string reason_prompt(const synthesis::Problem& problem);   // "Q: …\nA: Let's think step by step."
std::string student_prompt(const synthesis::Problem& problem);  // "… ###"
// The examples, a blank line after each, and answer_prompt.
std::string few_shot_cot_prompt(const std::vector<CotExample>& examples, const synthesis::Problem& problem);

// What a student learns to write after its prompt: " rationale --> answer", or " answer" where there is no rationale.
struct CotText {
  std::string prompt, rationale, answer;
  std::string completion() const;
};

// The texts, each with the rationale of another one; a single text keeps its own.
std::vector<CotText> with_rationales_of_others(std::vector<CotText> texts, Seed seed);

}  // namespace limbeck::recipes
