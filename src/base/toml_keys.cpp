#include "base/toml_keys.h"

#include <algorithm>

namespace limbeck {
namespace {

// Behind the quoted text that begins at `at`. Where it has no end, toml++ stops too.
std::size_t end_of_quoted(std::string_view toml, std::size_t at) {
  const char quote = toml[at];
  const bool escapes = quote == '"';
  const std::string_view three = escapes ? "\"\"\"" : "'''";
  const bool many_lines = toml.substr(at).starts_with(three);
  for (std::size_t i = at + (many_lines ? 3 : 1); i < toml.size(); ++i) {
    if (escapes && toml[i] == '\\') {
      ++i;
    } else if (!many_lines) {
      if (toml[i] == quote) return i + 1;
      if (toml[i] == '\n') return i;
    } else if (toml.substr(i).starts_with(three)) {
      i += 3;
      for (int own = 0; own < 2 && i < toml.size() && toml[i] == quote; ++own) ++i;  // """"" ends with two of its own
      return i;
    }
  }
  return toml.size();
}

}  // namespace

int64_t line_of_endless_key(std::string_view toml) {
  int64_t line = 1;
  int parts = 1;
  for (std::size_t i = 0; i < toml.size();) {
    const char c = toml[i];
    std::size_t next = i + 1;
    if (c == '"' || c == '\'') next = end_of_quoted(toml, i);
    if (c == '#') next = std::min(toml.find('\n', i), toml.size());
    if (c == ',' || c == '=' || c == '[' || c == ']' || c == '{' || c == '}' || c == '\n') parts = 1;
    if (c == '.' && ++parts > kMaxKeyParts) return line;
    line += std::count(toml.begin() + static_cast<std::ptrdiff_t>(i), toml.begin() + static_cast<std::ptrdiff_t>(next),
                       '\n');
    i = next;
  }
  return 0;
}

}  // namespace limbeck
