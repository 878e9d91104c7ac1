#include "text/subword_model.h"

#include <fmt/format.h>

namespace limbeck::text {

std::array<int32_t, 256> byte_fallback_ids(const ByteTrie& vocabulary) {
  std::array<int32_t, 256> ids;
  for (unsigned b = 0; b < 256; ++b) ids[b] = vocabulary.find(fmt::format("<0x{:02X}>", b));
  return ids;
}

}  // namespace limbeck::text
