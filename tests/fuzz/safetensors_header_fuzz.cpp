// libFuzzer: any bytes are either refused with an Error or give a header whose tensors lie inside the file.
#include <cstdlib>

#include "base/errors.h"
#include "formats/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace limbeck;
  try {
    const auto header = formats::parse_safetensors_header({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    for (const auto& entry : header.entries)
      if (entry.begin > entry.end || entry.end > size - header.data_begin) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
