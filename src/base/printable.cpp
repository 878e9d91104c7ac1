#include "base/printable.h"

#include <fmt/format.h>

namespace limbeck {

std::string printable(std::string_view bytes, std::size_t longest) {
  std::string text;
  for (const char c : bytes.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f)
      text += c;
    else
      text += fmt::format("\\x{:02x}", byte);
  }
  if (bytes.size() > longest) text += fmt::format("... ({} bytes)", bytes.size());
  return text;
}

std::string printable_value(const Json& value) {
  if (value.is_string()) return fmt::format("\"{}\"", printable(value.get_ref<const std::string&>()));
  if (value.is_structured()) return fmt::format("{} of {}", value.is_array() ? "a list" : "an object", value.size());
  return value.dump();
}

}  // namespace limbeck
