#include "synthesis/text_answers.h"

#include <charconv>
#include <cmath>  // std::abs

namespace limbeck::synthesis {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char as_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Optionally signed decimal numbers of a text without its commas.
std::vector<std::string> number_candidates(std::string_view with_commas) {
  std::string text;
  for (const char c : with_commas)
    if (c != ',') text += c;
  std::vector<std::string> found;
  for (std::size_t i = 0; i < text.size();) {
    if (!digit(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && digit(text[end])) ++end;
    if (end + 1 < text.size() && text[end] == '.' && digit(text[end + 1]))
      for (++end; end < text.size() && digit(text[end]);) ++end;
    const bool negative = i > 0 && text[i - 1] == '-';
    found.push_back((negative ? "-" : "") + text.substr(i, end - i));
    i = end;
  }
  return found;
}

// Words of letters and digits: everything else parts them.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    const bool part = letter(c) || digit(c);
    if (part && !inside) words.emplace_back();
    if (part) words.back() += c;
    inside = part;
  }
  return words;
}

std::vector<std::string> yes_no_candidates(std::string_view text) {
  std::vector<std::string> found;
  for (std::string& word : words_of(text)) {
    for (char& c : word) c = as_lower(c);
    if (word == "yes" || word == "no") found.push_back(std::move(word));
  }
  return found;
}

std::vector<std::string> letter_candidates(std::string_view text) {
  std::vector<std::string> found;
  const auto alone = [&](std::size_t i) {
    const bool before = i > 0 && (letter(text[i - 1]) || digit(text[i - 1]) || text[i - 1] == '\''),
               after = i + 1 < text.size() && (letter(text[i + 1]) || digit(text[i + 1]) || text[i + 1] == '\'');
    // The article: "A dog".
    const bool article = text[i] == 'A' && i + 2 < text.size() && text[i + 1] == ' ' && letter(text[i + 2]);
    return !before && !after && !article;
  };
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] >= 'A' && text[i] <= 'F' && alone(i)) found.emplace_back(1, text[i]);
  return found;
}

std::vector<std::string> text_candidates(std::string_view text) {
  std::string whole;
  for (const char c : text)
    if (c != '"' && c != '\'' && c != '.' && c != ' ' && c != '\n' && c != '\r' && c != '\t') whole += c;
  return whole.empty() ? std::vector<std::string>{} : std::vector<std::string>{whole};
}

std::optional<double> as_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class TextJudge final : public sandbox::Judge {
 public:
  TextJudge(AnswerKind kind, std::string prefix) : kind_(kind), prefix_(std::move(prefix)) {}
  std::vector<sandbox::Verdict> judge(std::span<const sandbox::Program> texts) override {
    std::vector<sandbox::Verdict> verdicts;
    for (const auto& text : texts) verdicts.push_back(verdict_of(text));
    return verdicts;
  }

 private:
  sandbox::Verdict verdict_of(const sandbox::Program& text) const {
    sandbox::Verdict verdict{.outcome = sandbox::Outcome::kWrongAnswer};
    const auto answer = answer_in(text.source, kind_, prefix_);
    if (!answer) return verdict;
    verdict.detail = *answer;
    if (kind_ == AnswerKind::kNumber || kind_ == AnswerKind::kNumberText) {
      verdict.answer = as_number(*answer);
      verdict.type = sandbox::AnswerType::kFloat;
    }
    if (says_the_same(*answer, text.expected_text, kind_)) verdict.outcome = sandbox::Outcome::kPassed;
    return verdict;
  }

  AnswerKind kind_;
  std::string prefix_;
};

class NoJudge final : public sandbox::Judge {
 public:
  std::vector<sandbox::Verdict> judge(std::span<const sandbox::Program> texts) override {
    return std::vector<sandbox::Verdict>(texts.size(), {.outcome = sandbox::Outcome::kPassed});
  }
};

}  // namespace

std::vector<std::pair<std::string, AnswerKind>> answer_kind_choices() {
  return {{"number", AnswerKind::kNumber},
          {"number-text", AnswerKind::kNumberText},
          {"letter", AnswerKind::kLetter},
          {"yes-no", AnswerKind::kYesNo},
          {"text", AnswerKind::kText}};
}

std::vector<std::string> answer_candidates(std::string_view text, AnswerKind kind) {
  switch (kind) {
    case AnswerKind::kNumber:
    case AnswerKind::kNumberText:
      return number_candidates(text);
    case AnswerKind::kLetter:
      return letter_candidates(text);
    case AnswerKind::kYesNo:
      return yes_no_candidates(text);
    case AnswerKind::kText:
      break;
  }
  return text_candidates(text);
}

std::optional<std::string> answer_in(std::string_view text, AnswerKind kind, std::string_view prefix) {
  const auto at = prefix.empty() ? std::string_view::npos : text.find(prefix);
  const bool last = !prefix.empty() && at == std::string_view::npos;
  if (at != std::string_view::npos) text.remove_prefix(at + prefix.size());
  auto candidates = answer_candidates(text, kind);
  if (candidates.empty()) return std::nullopt;
  return std::move(last ? candidates.back() : candidates.front());
}

bool says_the_same(std::string_view answer, std::string_view gold, AnswerKind kind) {
  const auto of_gold = answer_candidates(gold, kind);
  if (of_gold.empty()) return false;
  if (kind != AnswerKind::kNumber) return answer == of_gold.front();
  const auto a = as_number(answer), b = as_number(of_gold.front());
  return a && b && std::abs(*a - *b) <= 1e-6;
}

std::unique_ptr<sandbox::Judge> text_judge(AnswerKind kind, std::string prefix) {
  return std::make_unique<TextJudge>(kind, std::move(prefix));
}

std::unique_ptr<sandbox::Judge> no_judge() {
  return std::make_unique<NoJudge>();
}

}  // namespace limbeck::synthesis
