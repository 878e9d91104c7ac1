// limbeck tokenize --model=DIR|FILE.gguf --input=lines.txt --out=ids.jsonl: the ids of each line (or of each row's
// "text" in JSON Lines) as one JSON array a line, as the model would be given them (with the tokens that it wants
// before and after a text).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>

#include "base/errors.h"
#include "base/fields.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/phases.h"
#include "base/profile.h"
#include "cli/verbs.h"
#include "models/language_model.h"  // load_tokenizer

namespace limbeck::cli {
namespace {

constexpr std::size_t kLinesAWrite = 16384;  // lines encoded between two writes

enum class Special { kFind, kText };

struct TokenizeOptions {
  std::string model, input, out;
  Special special = Special::kFind;
  void describe(Fields& f) {
    f("model", model, "Hugging Face folder or GGUF file whose tokenizer is used", Names::kRequiredFileOrFolder);
    f("input", input,
      "text file, a text a line; or .jsonl with rows {\"text\": \"...\"}; invalid UTF-8 counts as U+FFFD",
      Names::kRequiredFile);
    f("out", out, "JSON Lines to write: one array of ids for each line", Names::kOutputFile);
    f("special", special,
      "find: special tokens in a text become their ids, and the text gets the model's begin and end tokens; text: "
      "neither",
      {{"find", Special::kFind}, {"text", Special::kText}});
  }
};

// Lines without their "\n"; a last line needs none. A "\r" stays, it is part of the text.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<std::string> texts_of_rows(const std::string& path) {
  std::vector<std::string> texts;
  read_jsonl(path, [&](const Json& row, int64_t line) {
    texts.push_back(field<std::string>(row, "text", path + ":" + std::to_string(line)));
  });
  return texts;
}

// "[1,2,3]\n"
std::string json_array(const std::vector<int32_t>& ids) {
  constexpr std::size_t kLongest = 12;  // of an id and its comma
  std::string out(ids.size() * kLongest + 3, '\0');
  char *at = out.data(), *end = at + out.size();
  *at++ = '[';
  for (const int32_t id : ids) {
    at = std::to_chars(at, end, id).ptr;
    *at++ = ',';
  }
  if (!ids.empty()) --at;
  *at++ = ']';
  *at++ = '\n';
  out.resize(std::size_t(at - out.data()));
  return out;
}

std::shared_ptr<const text::Tokenizer> load(const std::string& model) {
  const Phase phase("load", "models");
  return models::load_tokenizer(model);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int verb_tokenize(const Args& args) {
  TokenizeOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.out.empty()) user_fail("tokenize", "expected --out=FILE.jsonl, where the ids go");
  const auto tokenizer = load(options.model);
  const MappedFile file(options.input);
  std::vector<std::string> rows;  // of JSON Lines
  const bool is_jsonl = std::filesystem::path(options.input).extension() == ".jsonl";
  if (is_jsonl) rows = texts_of_rows(options.input);
  const auto lines = is_jsonl ? std::vector<std::string_view>(rows.begin(), rows.end())
                              : lines_of({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});

  int64_t num_ids = 0;
  double encoding = 0;  // seconds, without reading and writing
  std::vector<std::vector<int32_t>> ids;
  std::vector<std::string> written;
  write_file_atomically(options.out, [&](const Sink& sink) {
    for (std::size_t begin = 0; begin < lines.size(); begin += kLinesAWrite) {
      throw_if_interrupted("no ids were written; the same command starts again");
      const auto count = int64_t(std::min(kLinesAWrite, lines.size() - begin));
      ids.resize(std::size_t(count));
      written.resize(std::size_t(count));
      const Phase phase("encode and write", "cli");
      const auto start = std::chrono::steady_clock::now();
#pragma omp parallel for schedule(dynamic, 64) reduction(+ : num_ids)
      for (int64_t i = 0; i < count; ++i) {
        const std::string_view line = lines[begin + std::size_t(i)];
        auto& of_line = ids[std::size_t(i)];
        of_line = options.special == Special::kFind ? tokenizer->encode(line) : tokenizer->encode_ordinary(line);
        num_ids += int64_t(of_line.size());
      }
      encoding += seconds_since(start);
      const Span writing("write", "cli", count);
#pragma omp parallel for schedule(static)
      for (int64_t i = 0; i < count; ++i) written[std::size_t(i)] = json_array(ids[std::size_t(i)]);
      for (const std::string& line : written) sink(line);
    }
  });
  fmt::print("{} lines, {} ids, encoded in {:.4f} s\n", lines.size(), num_ids, encoding);
  return 0;
}

}  // namespace limbeck::cli
