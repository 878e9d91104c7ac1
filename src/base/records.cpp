#include "base/records.h"

#include <algorithm>
#include <charconv>
#include <cmath>  // std::isfinite

#include "base/compressed.h"
#include "base/csv.h"
#include "base/errors.h"
#include "base/json_lines.h"
#include "base/printable.h"

namespace limbeck {
namespace {

using OnRow = std::function<void(const Json& row, int64_t line)>;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

Json number_of(std::string_view cell, const std::string& field, const std::string& where) {
  const std::string_view text = cell.starts_with('+') ? cell.substr(1) : cell;
  const char *begin = text.data(), *end = begin + text.size();
  int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(begin, end, whole); error == std::errc{} && stop == end) return whole;
  double number = 0;
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (error != std::errc{} || stop != end || !std::isfinite(number))
    user_fail(where, "field '{}': expected a number but received '{}'", field, printable(cell));
  return number;
}

void check_header(const std::vector<std::string>& names, const std::string& where) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) user_fail(where, "expected a name for each field but received none for field {}", i + 1);
    if (std::find(names.begin(), names.begin() + static_cast<int64_t>(i), names[i]) !=
        names.begin() + static_cast<int64_t>(i))
      user_fail(where, "expected each field once but received '{}' twice", printable(names[i]));
  }
}

using OnRecord = std::function<void(std::vector<std::string>& cells, int64_t line)>;

// Lines without their ends, and their numbers from 1.
void for_each_line(std::string_view text, const std::function<void(std::string_view line, int64_t number)>& on_line) {
  int64_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    on_line(line, ++number);
  }
}

void read_unquoted(std::string_view text, char separator, const OnRecord& on_record) {
  std::vector<std::string> cells;
  for_each_line(text, [&](std::string_view line, int64_t number) {
    if (line.empty()) return;
    cells.clear();
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find(separator, begin), line.size());
      cells.emplace_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    on_record(cells, number);
  });
}

void rows_of_csv(std::string_view text, char separator, const std::string& path, const RecordOptions& options,
                 const OnRow& on_row) {
  std::vector<std::string> names;
  std::vector<bool> is_number;
  const auto take_names = [&](const std::vector<std::string>& given, const std::string& where) {
    names = given;
    check_header(names, where);
    for (const std::string& name : names)
      is_number.push_back(std::find(options.numbers.begin(), options.numbers.end(), name) != options.numbers.end());
  };
  const bool header = options.fields.empty();
  if (!header) take_names(options.fields, "fields");
  const OnRecord on_record = [&](std::vector<std::string>& cells, int64_t line) {
    const std::string where = fmt::format("{}:{}", path, line);
    if (names.empty()) return take_names(cells, where);
    if (cells.size() != names.size())
      user_fail(where, "expected {} fields {} but received {}", names.size(),
                header ? "as the first line has" : "as `fields` names", cells.size());
    Json row = Json::object();
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!is_number[i])
        row[names[i]] = std::move(cells[i]);
      else if (!cells[i].empty())
        row[names[i]] = number_of(cells[i], names[i], where);
    }
    on_row(row, line);
  };
  if (options.quotes)
    read_csv(text, separator, path, on_record);
  else
    read_unquoted(text, separator, on_record);
}

void rows_of_lines(std::string_view text, const OnRow& on_row) {
  for_each_line(text, [&](std::string_view line, int64_t number) {
    if (line.find_first_not_of(" \t") != std::string_view::npos) on_row({{"text", std::string(line)}}, number);
  });
}

RecordKind kind_of(const std::filesystem::path& path) {
  const std::string kind = kind_of_name(path);
  return kind == "csv"   ? RecordKind::kCsv
         : kind == "tsv" ? RecordKind::kTsv
         : kind == "txt" ? RecordKind::kText
                         : RecordKind::kJsonLines;
}

std::string utf8_of_latin1(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      result += c;
    } else {
      result += static_cast<char>(0xc0 | byte >> 6);
      result += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return result;
}

}  // namespace

std::string kind_of_name(const std::filesystem::path& path) {
  std::string last = lower(path.extension().string());
  if (last == ".gz" || last == ".zst") last = lower(path.stem().extension().string());
  return last.empty() ? last : last.substr(1);
}

std::string read_text_file(const std::filesystem::path& path, TextEncoding encoding) {
  std::string text = read_text_file(path);
  if (encoding == TextEncoding::kLatin1) return utf8_of_latin1(text);
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  return text;
}

void read_records(const std::filesystem::path& path, const OnRow& on_row, const RecordOptions& options) {
  const std::string text = read_text_file(path, options.encoding);
  if (kind_of_name(path) == "parquet" || text.starts_with("PAR1"))
    user_fail(
        path.string(),
        "expected JSON Lines, CSV or plain text but received Parquet, which is not read here; write it out as JSON "
        "Lines, in pandas: read_parquet(…).to_json(…, orient='records', lines=True)");
  switch (options.kind == RecordKind::kByName ? kind_of(path) : options.kind) {
    case RecordKind::kCsv:
      return rows_of_csv(text, ',', path.string(), options, on_row);
    case RecordKind::kTsv:
      return rows_of_csv(text, '\t', path.string(), options, on_row);
    case RecordKind::kText:
      return rows_of_lines(text, on_row);
    default:
      return read_jsonl_text(text, path.string(), on_row);
  }
}

}  // namespace limbeck
