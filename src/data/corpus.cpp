#include "data/corpus.h"

#include <algorithm>
#include <filesystem>

#include "base/compressed.h"
#include "base/errors.h"
#include "base/printable.h"
#include "base/records.h"
#include "text/unicode.h"

namespace limbeck::data {
namespace {

constexpr std::size_t kMostMistakes = 10;

bool is_plain_text(std::filesystem::path path) {
  if (path.extension() == ".gz" || path.extension() == ".zst") path = path.stem();
  return path.extension() == ".txt";
}

class CorpusReader {
 public:
  CorpusReader(Corpus& corpus, InvalidUtf8 invalid) : corpus_(corpus), invalid_(invalid) {}

  void add_lines(const std::string& file) {
    std::string_view text = corpus_.storage.emplace_back(read_text_file(file));
    for (int64_t line = 1; !text.empty(); ++line) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      add(text.substr(0, end), file, line);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  void add_rows(const std::string& file, const std::string& field) {
    read_records(file, [&](const Json& row, int64_t line) {
      const auto found = row.find(field);
      if (found == row.end() || !found->is_string())
        user_fail(fmt::format("{}:{}", file, line), "expected a text in the field '{}' but received {}", field,
                  found == row.end() ? "none" : printable_value(*found));
      add(corpus_.storage.emplace_back(found->get<std::string>()), file, line);
    });
  }

  void finish() const {
    if (mistakes_.empty()) return;
    throw UserErrors(mistakes_);
  }

 private:
  void add(std::string_view text, const std::string& file, int64_t line) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
    if (const std::size_t valid = text::valid_utf8_prefix(text); valid != text.size()) {
      if (invalid_ == InvalidUtf8::kRefuse) {
        if (mistakes_.size() < kMostMistakes)
          mistakes_.push_back(
              fmt::format("[{}:{}] expected UTF-8 but received the byte 0x{:02x} after {} bytes; "
                          "invalid=replace takes such bytes as U+FFFD",
                          file, line, static_cast<unsigned char>(text[valid]), valid));
        return;
      }
      std::string replaced;
      text::replace_invalid_utf8(text, replaced);
      text = corpus_.storage.emplace_back(std::move(replaced));
      ++corpus_.num_replaced;
    }
    corpus_.texts.push_back(text);
    corpus_.num_bytes += static_cast<int64_t>(text.size());
  }

  Corpus& corpus_;
  InvalidUtf8 invalid_;
  std::vector<std::string> mistakes_;
};

}  // namespace

Corpus read_corpus(const std::vector<std::string>& files, const std::string& field, InvalidUtf8 invalid) {
  Corpus corpus;
  CorpusReader reader(corpus, invalid);
  for (const std::string& file : files) {
    if (is_plain_text(file))
      reader.add_lines(file);
    else
      reader.add_rows(file, field);
  }
  reader.finish();
  if (corpus.texts.empty())
    user_fail(files.empty() ? "input" : files.front(), "expected at least one text but received {} files without",
              files.size());
  return corpus;
}

}  // namespace limbeck::data
