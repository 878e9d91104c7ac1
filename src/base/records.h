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

struct RecordOptions {
  std::vector<std::string> numbers;  // fields that are numbers; an empty cell of them is left out
};

// Calls on_row(row, line), `line` being the one of the (decompressed) file that the row begins on. Throws UserError
// "[path:line] ..." for a row that is none, a CSV record without one cell for each field, a header that names a field
// twice; and for Parquet, which no library here reads.
void read_records(const std::filesystem::path& path, const std::function<void(const Json& row, int64_t line)>& on_row,
                  const RecordOptions& options = {});

}  // namespace limbeck
