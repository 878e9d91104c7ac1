// Text broken into lines for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace limbeck {

// The words of `text` in lines of at most `width` bytes, every line but the first indented. A word longer than a line
// stays whole.
std::string wrapped_text(std::string_view text, std::size_t width, std::size_t indent = 0);

}  // namespace limbeck
