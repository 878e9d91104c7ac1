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

// ".csv" of "a/b.CSV.gz".
std::string kind_of(std::filesystem::path path) {
  const std::string last = lower(path.extension().string());
  if (last == ".gz" || last == ".zst") path = path.stem();
  return lower(path.extension().string());
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

void rows_of_csv(std::string_view text, char separator, const std::string& path, const RecordOptions& options,
                 const OnRow& on_row) {
  std::vector<std::string> names;
  std::vector<bool> is_number;
  read_csv(text, separator, path, [&](std::vector<std::string>& cells, int64_t line) {
    const std::string where = fmt::format("{}:{}", path, line);
    if (names.empty()) {
      names = cells;
      check_header(names, where);
      for (const std::string& name : names)
        is_number.push_back(std::find(options.numbers.begin(), options.numbers.end(), name) != options.numbers.end());
      return;
    }
    if (cells.size() != names.size())
      user_fail(where, "expected {} fields as the first line has but received {}", names.size(), cells.size());
    Json row = Json::object();
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!is_number[i])
        row[names[i]] = std::move(cells[i]);
      else if (!cells[i].empty())
        row[names[i]] = number_of(cells[i], names[i], where);
    }
    on_row(row, line);
  });
}

void rows_of_lines(std::string_view text, const OnRow& on_row) {
  int64_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") != std::string_view::npos) on_row({{"text", std::string(line)}}, number);
  }
}

}  // namespace

void read_records(const std::filesystem::path& path, const OnRow& on_row, const RecordOptions& options) {
  const std::string kind = kind_of(path), text = read_text_file(path);
  if (kind == ".parquet" || text.starts_with("PAR1"))
    user_fail(
        path.string(),
        "expected JSON Lines, CSV or plain text but received Parquet, which is not read here; write it out as JSON "
        "Lines, in pandas: read_parquet(…).to_json(…, orient='records', lines=True)");
  if (kind == ".csv") return rows_of_csv(text, ',', path.string(), options, on_row);
  if (kind == ".tsv") return rows_of_csv(text, '\t', path.string(), options, on_row);
  if (kind == ".txt") return rows_of_lines(text, on_row);
  read_jsonl_text(text, path.string(), on_row);
}

}  // namespace limbeck
