#include "formats/printable.h"

#include <fmt/format.h>

namespace limbeck::formats {

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

}  // namespace limbeck::formats
