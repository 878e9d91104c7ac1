// The answer rule is the official code's regular expression: newline, "answer", anything on that line, newline; first
// match.
#include "synthesis/truncation.h"

#include <algorithm>

namespace limbeck::synthesis {
namespace {

std::string without(std::string text, const std::vector<std::string>& marks) {
  for (const auto& mark : marks)
    for (std::size_t at = 0; !mark.empty() && (at = text.find(mark, at)) != std::string::npos;)
      text.erase(at, mark.size());
  return text;
}

// Right after the first "\nanswer...\n"; the end of the text when there is none.
std::size_t end_of_answer_line(std::string_view text) {
  const std::size_t start = text.find("\nanswer");
  if (start == std::string_view::npos) return text.size();
  const std::size_t end = text.find('\n', start + 1);
  return end == std::string_view::npos ? text.size() : end + 1;
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\f\v") == std::string_view::npos;
}

// Calls stop(line) for each line after the first that is not blank; the start of the first line it is true for.
template <class Stop>
std::size_t first_line_where(std::string_view text, const Stop& stop) {
  bool begun = false;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    if (begun && stop(line)) return start;
    begun = begun || !is_blank(line);
    start = end + 1;
  }
  return text.size();
}

}  // namespace

void Truncation::describe(Fields& f) {
  f("after_answer", after_answer, "cut after the first later line that begins with 'answer' (the paper's rule)");
  f("at_blank_line", at_blank_line, "cut at the first blank line");
  f("at_next_question", at_next_question, "cut before a later line that begins with '# '");
}

std::string program_of(std::string_view sampled, const Truncation& truncation,
                       const std::vector<std::string>& end_marks) {
  const std::string whole = without(std::string(sampled), end_marks);
  std::string_view text = whole;
  std::size_t end = text.size();
  if (truncation.after_answer) end = std::min(end, end_of_answer_line(text));
  if (truncation.at_blank_line) end = std::min(end, first_line_where(text, is_blank));
  if (truncation.at_next_question)
    end = std::min(end, first_line_where(text, [](std::string_view line) { return line.starts_with("# "); }));
  text = text.substr(0, end);
  while (!text.empty()) {  // whole blank lines in front; an indented first line stays as it is
    const std::size_t line_end = text.find('\n');
    if (line_end == std::string_view::npos || !is_blank(text.substr(0, line_end))) break;
    text.remove_prefix(line_end + 1);
  }
  const std::size_t last = text.find_last_not_of(" \t\r\n\f\v");
  return std::string(text.substr(0, last == std::string_view::npos ? 0 : last + 1));
}

}  // namespace limbeck::synthesis
