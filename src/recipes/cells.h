// A table of texts, its header first, for a terminal and as Markdown.
#pragma once

#include <string>
#include <vector>

namespace limbeck::recipes {

using Cells = std::vector<std::vector<std::string>>;

std::string cells_text(const Cells& cells);  // columns of even width; the first to the left, the others to the right
std::string cells_markdown(const Cells& cells);  // "| arm | pairs |", a rule, rows

}  // namespace limbeck::recipes
