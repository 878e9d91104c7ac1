// Training texts as they stand in a file of records (base/records.h: JSON Lines, CSV, plain text), one row an object:
//   {"prompt": "...", "completion": "..."}   {"text": "..."}   {"messages": [{"role": "user", "content": "..."}, ...]}
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/chat_template.h"

namespace limbeck::data {

// A piece of a text and whether the model learns to write it.
struct Segment {
  std::string text;
  bool learned = true;
};

// Exactly one of segments and messages is filled.
struct Row {
  std::vector<Segment> segments;
  std::vector<text::ChatMessage> messages;
  int64_t line = 0;  // in the file, from 1
};

// A pair's prompt is not learned, its completion is; a text is learned whole.
Row pair_row(std::string prompt, std::string completion, int64_t line = 0);

// Throws UserError naming every bad line (up to ten) with what was expected, and when there is no row at all.
std::vector<Row> read_rows(const std::filesystem::path& file);

}  // namespace limbeck::data
