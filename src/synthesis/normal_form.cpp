#include "synthesis/normal_form.h"

#include <utility>

namespace limbeck::synthesis {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Typographic marks as their plain kin.
std::string plain(std::string_view text) {
  static constexpr std::pair<std::string_view, char> kMarks[] = {
      {"\xc2\xa0", ' '},     {"\xe2\x80\xaf", ' '},                           // spaces that do not break
      {"\xe2\x80\x90", '-'}, {"\xe2\x80\x91", '-'},  {"\xe2\x88\x92", '-'},   // hyphens, minus
      {"\xe2\x80\x92", ' '}, {"\xe2\x80\x93", ' '},  {"\xe2\x80\x94", ' '},   // dashes
      {"\xe2\x80\x95", ' '}, {"\xe2\x80\x98", '\''}, {"\xe2\x80\x99", '\''},  // quotation marks
      {"\xe2\x80\x9c", '"'}, {"\xe2\x80\x9d", '"'},  {"\xe2\x80\xa6", ' '},   // and the ellipsis
      {"\xc3\x97", '*'},     {"\xc3\xb7", '/'}};
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = 1;
    char c = text.front();
    for (const auto& [mark, kin] : kMarks)
      if (text.starts_with(mark)) length = mark.size(), c = kin;
    result += c;
    text.remove_prefix(length);
  }
  return result;
}

// One line without its comment and spare spaces.
std::string normal_line(std::string_view line) {
  std::size_t start = line.find_first_not_of(" \t");
  if (start == std::string_view::npos) return "";
  std::string result(line.substr(0, start));
  const std::size_t indentation = result.size();
  bool space = false;
  for (std::size_t i = start; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '#') break;
    if (c == ' ' || c == '\t' || c == '\r') {
      space = true;
      continue;
    }
    // A space counts only between two words ("not x"), where leaving it out would join them.
    if (space && result.size() > indentation && is_word(result.back()) && is_word(c)) result += ' ';
    space = false;
    result += c;
    if (c != '\'' && c != '"') continue;
    while (++i < line.size()) {
      result += line[i];
      if (line[i] == '\\' && i + 1 < line.size())
        result += line[++i];
      else if (line[i] == c)
        break;
    }
  }
  return result.size() > indentation ? result : "";
}

}  // namespace

std::vector<std::string> normal_words(std::string_view typeset) {
  const std::string text = plain(typeset);
  std::vector<std::string> words;
  std::string word;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool point =
        (c == '.' || c == ',') && i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]);
    if (is_word(c) || (point && c == '.')) {
      word += lower(c);
      continue;
    }
    if (point) continue;  // "1,200" is one word: 1200
    if (!word.empty()) words.push_back(std::move(word)), word.clear();
    const bool minus = c == '-' && i + 1 < text.size() && (is_digit(text[i + 1]) || text[i + 1] == ' ');
    if (minus || std::string_view("+*/=<>%^").find(c) != std::string_view::npos) words.emplace_back(1, c);
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

std::string normal_question(std::string_view text) {
  std::string joined;
  for (const auto& word : normal_words(text)) joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

std::string normal_program(std::string_view program) {
  std::string result;
  for (std::size_t start = 0; start <= program.size();) {
    const std::size_t end = std::min(program.find('\n', start), program.size());
    const std::string line = normal_line(program.substr(start, end - start));
    if (!line.empty()) result += (result.empty() ? "" : "\n") + line;
    start = end + 1;
  }
  return result;
}

}  // namespace limbeck::synthesis
