// libFuzzer: any bytes are either refused with an Error or give a header whose tensors lie inside the file and can be
// decoded.
#include <cstdlib>
#include <vector>

#include "base/errors.h"
#include "formats/gguf_blocks.h"
#include "formats/gguf_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace limbeck;
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  try {
    const formats::GgufHeader header = formats::parse_gguf_header(file, "fuzz");
    for (const auto& tensor : header.tensors) {
      if (tensor.begin > tensor.end || tensor.end > size) std::abort();
      const formats::GgufTypeInfo& info = *formats::find_gguf_type(tensor.type);
      const auto num_values = static_cast<int64_t>(tensor.end - tensor.begin) / info.block_bytes * info.block_values;
      std::vector<float> values(static_cast<std::size_t>(num_values));
      const auto type = static_cast<formats::GgufType>(tensor.type);
      if (info.block_values > 1 && info.readable)
        formats::decode_blocks(type, file.data() + tensor.begin, values.data(), num_values);
    }
  } catch (const Error&) {
  }
  return 0;
}
