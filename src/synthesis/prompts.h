// Prompts of EKT (arXiv:2211.16740, official code): a question is a line "# question", its program follows on the next
// lines, worked examples are parted by a blank line, and the question asked stands last without a line end.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "synthesis/problems.h"
#include "teachers/prompt.h"

namespace limbeck::synthesis {

std::string zero_shot_prompt(
    std::string_view question);  // "# question"; white space in the question becomes single spaces
std::string few_shot_prompt(std::span<const WorkedExample> examples, std::string_view question);

// What follows a prompt: "\nprogram". Prompt and completion are encoded apart, so that training sees the prompt's ids
// exactly as sampling does (some pre-tokenizers would join "?\n").
std::string completion_of(std::string_view program);

using teachers::encode_prompt;

}  // namespace limbeck::synthesis
