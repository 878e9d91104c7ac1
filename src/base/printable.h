// Names and values of files from outside, made fit for an error message: control bytes escaped, long ones cut.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace limbeck {

std::string printable(std::string_view bytes, std::size_t longest = 80);

// A string in quotes, whatever bytes it has; a number; of lists and objects, which may be long, how much they hold.
std::string printable_value(const Json& value);

}  // namespace limbeck
