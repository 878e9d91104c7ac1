#include "synthesis/prompts.h"

#include <algorithm>

namespace limbeck::synthesis {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

std::string_view without_blank_ends(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  const std::size_t first = text.find_first_not_of("\r\n");  // an indented first line stays indented
  return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

}  // namespace

std::string zero_shot_prompt(std::string_view question) {
  std::string line = "#";
  bool space = true;
  for (const char c : question) {
    if (is_space(c)) {
      space = true;
      continue;
    }
    if (space) line += ' ';
    space = false;
    line += c;
  }
  return line;
}

std::string few_shot_prompt(std::span<const WorkedExample> examples, std::string_view question) {
  std::string prompt;
  for (const auto& example : examples) {
    prompt += zero_shot_prompt(example.question);
    prompt += completion_of(example.program);
    prompt += "\n\n";
  }
  return prompt + zero_shot_prompt(question);
}

std::string completion_of(std::string_view program) {
  return "\n" + std::string(without_blank_ends(program));
}

}  // namespace limbeck::synthesis
