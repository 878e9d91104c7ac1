#include "evaluation/answer_spans.h"

#include <algorithm>
#include <cctype>  // std::ispunct
#include <map>
#include <sstream>

namespace limbeck::evaluation {
namespace {

std::vector<std::string> normal_words(const std::string& text) {
  std::string kept;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::ispunct(byte) != 0) continue;
    kept += byte < 0x80 ? static_cast<char>(std::tolower(byte)) : c;
  }
  std::istringstream stream(kept);
  std::vector<std::string> words;
  for (std::string word; stream >> word;)
    if (word != "a" && word != "an" && word != "the") words.push_back(word);
  return words;
}

double f1_of_words(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.empty() || b.empty()) return a.empty() && b.empty() ? 1 : 0;
  std::map<std::string, int64_t> left;
  for (const std::string& word : b) ++left[word];
  double common = 0;
  for (const std::string& word : a)
    if (const auto found = left.find(word); found != left.end() && found->second > 0) --found->second, ++common;
  return 2 * common / static_cast<double>(a.size() + b.size());
}

template <class F>
double best_of(std::span<const std::string> answers, const F& compare) {
  if (answers.empty()) return compare("");
  double best = 0;
  for (const std::string& answer : answers) best = std::max(best, compare(answer));
  return best;
}

}  // namespace

std::string normal_answer(const std::string& text) {
  std::string joined;
  for (const std::string& word : normal_words(text)) joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

double exact_match(const std::string& predicted, std::span<const std::string> answers) {
  const std::string ours = normal_answer(predicted);
  return best_of(answers, [&](const std::string& answer) { return ours == normal_answer(answer) ? 1.0 : 0.0; });
}

double word_f1(const std::string& predicted, std::span<const std::string> answers) {
  const std::vector<std::string> ours = normal_words(predicted);
  return best_of(answers, [&](const std::string& answer) { return f1_of_words(ours, normal_words(answer)); });
}

}  // namespace limbeck::evaluation
