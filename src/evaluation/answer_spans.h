// Answers as texts, compared as SQuAD's evaluation script does (Rajpurkar et al. 2016, arXiv:1606.05250): lower case,
// without ASCII punctuation, articles and extra white space.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace limbeck::evaluation {

std::string normal_answer(const std::string& text);

// The best over the right answers; no right answer: 1 where the predicted one is empty too.
double exact_match(const std::string& predicted, std::span<const std::string> answers);
double word_f1(const std::string& predicted, std::span<const std::string> answers);  // of the words in common

}  // namespace limbeck::evaluation
