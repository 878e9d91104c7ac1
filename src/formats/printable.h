// Names and values of files from outside, made fit for an error message: control bytes escaped, long ones cut.
#pragma once

#include <string>
#include <string_view>

namespace limbeck::formats {

std::string printable(std::string_view bytes, std::size_t longest = 80);

}  // namespace limbeck::formats
