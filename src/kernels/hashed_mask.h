// Which numbers dropout takes: a hash of a row's key and the column, compared with a threshold. Whoever knows the key
// can say it again, so masks are stored nowhere and the same on any number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/row_clones.h"

namespace limbeck::kernels {

// 32 bits of a 32-bit number (a murmur3 finaliser with constants of C. Wellons's search, bias 0.17).
LIMBECK_ROW_BODY uint32_t mixed(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

struct MaskRow {
  uint32_t low = 0, high = 0;
};
LIMBECK_ROW_BODY MaskRow mask_row(uint64_t key) {
  key *= 0x9e3779b97f4a7c15u;
  key ^= key >> 32;
  return {mixed(static_cast<uint32_t>(key)), static_cast<uint32_t>(key >> 32)};
}

LIMBECK_ROW_BODY uint32_t drawn(uint32_t column, uint32_t low, uint32_t high) {
  return mixed(mixed(column + low) ^ high);
}

// What the attention weights of a query lose (kernels/packed_attention.h); columns are places of keys.
LIMBECK_ROW_BODY MaskRow attention_mask_row(uint64_t document_key, int64_t heads, int64_t head, int64_t query) {
  return mask_row(document_key + static_cast<uint64_t>(query * heads + head) * 0xd1342543de82ef95u);
}

// A column is dropped where drawn() is below this.
inline uint32_t mask_threshold(double rate) {
  return static_cast<uint32_t>(std::min(rate * 4294967296.0, 4294967295.0));
}

}  // namespace limbeck::kernels
