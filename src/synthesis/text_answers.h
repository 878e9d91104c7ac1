// Final answers in free text: where they stand, what they are, and whether one is the right one. As the official code
// of Fine-tune-CoT does it (arXiv:2212.10071, itsnamgyu/reasoning-teacher), which follows zero-shot-CoT
// (arXiv:2205.11916).
//
// Differs: a number does not take in the full stop behind it, and a letter stands alone ("A dog" is none, "(A)" is
// one).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/judge.h"

namespace limbeck::synthesis {

enum class AnswerKind {
  kNumber,      // compared as numbers, within 1e-6
  kNumberText,  // numbers compared as they are written: "72.0" is not "72"
  kLetter,      // A to F, alone
  kYesNo,       // yes or no, in any case
  kText         // the whole text, without quotation marks, full stops and white space
};
std::vector<std::pair<std::string, AnswerKind>> answer_kind_choices();

// What could be the answer, in order.
std::vector<std::string> answer_candidates(std::string_view text, AnswerKind kind);

// With a prefix ("-->"): the first candidate after its first place, or the last one of the whole text where it does not
// stand. Without: the first candidate.
std::optional<std::string> answer_in(std::string_view text, AnswerKind kind, std::string_view prefix = "");

// Whether a candidate says what the data set's gold answer says.
bool says_the_same(std::string_view answer, std::string_view gold, AnswerKind kind);

// A judge of texts instead of programs: nothing is run. Program::source is the text, expected_text the gold answer. A
// verdict is passed or wrong_answer; its detail is the answer that was read, "" where there was none, and its answer
// that as a number, where it is one.
std::unique_ptr<sandbox::Judge> text_judge(AnswerKind kind, std::string prefix);
// One that lets every text pass, for texts that are judged later.
std::unique_ptr<sandbox::Judge> no_judge();

}  // namespace limbeck::synthesis
