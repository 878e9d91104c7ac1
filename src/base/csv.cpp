#include "base/csv.h"

#include "base/errors.h"
#include "base/printable.h"

namespace limbeck {
namespace {

class CsvReader {
 public:
  CsvReader(std::string_view text, char separator, std::string_view where)
      : text_(text), separator_(separator), where_(where) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  }

  // False at the end. A blank line is a record of one empty cell.
  bool next(std::vector<std::string>& cells, int64_t& line) {
    if (at_ >= text_.size()) return false;
    line = line_;
    cells.clear();
    do {
      cells.push_back(text_.substr(at_).starts_with('"') ? quoted() : plain());
    } while (passed(separator_));
    if (passed('\r') && at_ < text_.size() && text_[at_] != '\n') refuse("the end of a line after a carriage return");
    if (at_ < text_.size() && !passed('\n')) refuse("a separator or the end of the line after a closing quote");
    ++line_;
    return true;
  }

 private:
  bool passed(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string plain() {
    const std::size_t begin = at_;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == separator_ || c == '\n' || (c == '\r' && text_.substr(at_ + 1).starts_with('\n'))) break;
      if (c == '"') refuse("a field in quotes where it has quotes inside");
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    const int64_t begin = line_;
    std::string cell;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"' && !text_.substr(at_ + 1).starts_with('"')) {
        ++at_;
        return cell;
      }
      if (text_[at_] == '"') ++at_;
      if (text_[at_] == '\n') ++line_;
      cell += text_[at_];
    }
    line_ = begin;
    refuse("a closing quote");
  }

  [[noreturn]] void refuse(std::string_view expected) const {
    user_fail(fmt::format("{}:{}", where_, line_), "expected {} but received {}", expected,
              at_ < text_.size() ? fmt::format("'{}'", printable(text_.substr(at_, 1))) : "the end of the file");
  }

  std::string_view text_;
  char separator_;
  std::string_view where_;
  std::size_t at_ = 0;
  int64_t line_ = 1;
};

}  // namespace

void read_csv(std::string_view text, char separator, std::string_view where,
              const std::function<void(std::vector<std::string>& cells, int64_t line)>& on_record) {
  CsvReader reader(text, separator, where);
  std::vector<std::string> cells;
  int64_t line = 0;
  while (reader.next(cells, line))
    if (cells.size() > 1 || !cells.front().empty()) on_record(cells, line);
}

}  // namespace limbeck
