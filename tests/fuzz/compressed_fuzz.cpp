// libFuzzer: any bytes are decompressed within the limits, given back as they are, or refused with an Error; and what
// they hold is CSV or JSON Lines, or refused.
#include <cstdlib>
#include <string>

#include "base/compressed.h"
#include "base/csv.h"
#include "base/errors.h"
#include "base/json_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace limbeck;
  std::string text;
  try {
    const DecompressionLimits limits{.free = 1 << 16, .ratio = 20};
    text = decompressed({reinterpret_cast<const char*>(data), size}, "fuzz", limits);
    if (text.size() > size && text.size() > limits.free && text.size() > limits.ratio * size) std::abort();
  } catch (const Error&) {
    return 0;
  }
  try {
    read_csv(text, ',', "fuzz", [](std::vector<std::string>& cells, int64_t line) {
      if (cells.empty() || line < 1) std::abort();
    });
  } catch (const Error&) {
  }
  try {
    read_jsonl_text(text, "fuzz", [](const Json& row, int64_t) { to_line(row); });
  } catch (const Error&) {
  }
  return 0;
}
