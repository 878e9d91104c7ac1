// Comma-separated values as RFC 4180 has them: quoted fields with commas, line ends and doubled quotes in them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck {

// Calls on_record(cells, line) for every record, `line` being the one that it begins on, from 1; blank lines are no
// records. Lines end in "\n" or "\r\n"; a byte-order mark at the front is passed over. Throws UserError
// "[where:line] ...": a quote that is not closed, text after a closing quote, a quote inside an unquoted field.
void read_csv(std::string_view text, char separator, std::string_view where,
              const std::function<void(std::vector<std::string>& cells, int64_t line)>& on_record);

}  // namespace limbeck
