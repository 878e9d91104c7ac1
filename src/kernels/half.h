// Numbers in half precision (IEEE binary16), as blocks of quantised weights hold their scales.
#pragma once

#include <bit>
#include <cstdint>

namespace limbeck::kernels {

struct Half {
  uint16_t bits = 0;
};

inline float to_float(Half value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000) << 16, rest = value.bits & 0x7fffu;
  // The exponent's bias differs by 112; the product is exact, for subnormal numbers too.
  const float scaled = std::bit_cast<float>(rest << 13) * 0x1p112f;
  const uint32_t bits = rest >= 0x7c00 ? 0x7f800000 | rest << 13 : std::bit_cast<uint32_t>(scaled);
  return std::bit_cast<float>(bits | sign);
}

}  // namespace limbeck::kernels
