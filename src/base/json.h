// JSON by nlohmann/json (objects keep their order of keys), and JSON Lines files with errors that name the line.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/errors.h"

namespace limbeck {

using Json = nlohmann::ordered_json;

// Parses text; an error names `where` (usually the path), the line and the column.
Json parse_json(std::string_view text, std::string_view where);
Json read_json(const std::filesystem::path& path);                      // of at most kLargestTextFile bytes
void write_json(const std::filesystem::path& path, const Json& value);  // indented by 2, atomically

// Calls on_row(row, line_number) for every non-blank line. A line that is not a JSON object throws UserError
// "[path:line] expected a JSON object but received ...".
void read_jsonl(const std::filesystem::path& path, const std::function<void(const Json& row, int64_t line)>& on_row);
// The same of a file that may still grow or whose writer was killed (the log of a run): what stands after the last
// newline is left out.
void read_growing_jsonl(const std::filesystem::path& path,
                        const std::function<void(const Json& row, int64_t line)>& on_row);

// One line of UTF-8 JSON; invalid UTF-8 in strings is replaced by U+FFFD rather than thrown at.
std::string to_line(const Json& value);

// row.at(key) as T, or UserError "[where] field 'key': expected a string but received 12".
template <class T>
T field(const Json& row, const char* key, std::string_view where);

}  // namespace limbeck
