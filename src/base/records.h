// Rows of data files, whatever their kind: each a JSON object.
//   .jsonl .ndjson .json  JSON Lines
//   .csv .tsv             the first record names the fields; cells are strings, but for the fields that are numbers
//   .txt                  {"text": …} for each line that is not blank
// and each of them as .gz or .zst. The kind is that of the name; a name of another kind is read as JSON Lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"

namespace limbeck {

enum class RecordKind { kByName, kCsv, kTsv, kJsonLines, kText };
enum class TextEncoding { kUtf8, kLatin1 };

struct RecordOptions {
  std::vector<std::string> numbers;  // fields that are numbers; an empty cell of them is left out
  RecordKind kind = RecordKind::kByName;
  TextEncoding encoding = TextEncoding::kUtf8;
  std::vector<std::string> fields;  // of CSV without a header line; empty: the first record names them
  bool quotes = true;               // of CSV; false: a quotation mark is a character like any other
};

// Calls on_row(row, line), `line` being the one of the (decompressed) file that the row begins on. Throws UserError
// "[path:line] ..." for a row that is none, a CSV record without one cell for each field, a header that names a field
// twice; and for Parquet, which no library here reads.
void read_records(const std::filesystem::path& path, const std::function<void(const Json& row, int64_t line)>& on_row,
                  const RecordOptions& options = {});

// The whole file, decompressed where it is compressed, as UTF-8 without a byte-order mark; Latin-1 is brought to it.
std::string read_text_file(const std::filesystem::path& path, TextEncoding encoding);
// "csv" of "a/b.CSV.gz".
std::string kind_of_name(const std::filesystem::path& path);

}  // namespace limbeck
