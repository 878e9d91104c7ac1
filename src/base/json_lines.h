// JSON Lines that were read already (base/json.h reads them from a file).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace limbeck {

// read_jsonl of a text that came from `path`.
void read_jsonl_text(std::string_view text, const std::string& path,
                     const std::function<void(const Json& row, int64_t line)>& on_row);

}  // namespace limbeck
