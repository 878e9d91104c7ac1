// Row kernels are plain loops that the compiler turns into vector code, once per instruction set; the loader picks the
// newest that the processor has. Bodies are always inlined into such clones, so that one text serves fp32 and bf16.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

#if defined(__x86_64__)
#define LIMBECK_ROW_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LIMBECK_ROW_CLONES  // what the compiler is told to build for (on ARM: with NEON)
#endif
#define LIMBECK_ROW_BODY [[gnu::always_inline]] inline

namespace limbeck::kernels {

LIMBECK_ROW_BODY float wide(float value) {
  return value;
}
LIMBECK_ROW_BODY float wide(BFloat16 value) {
  return to_float(value);
}
LIMBECK_ROW_BODY void put(float& to, float value) {
  to = value;
}
LIMBECK_ROW_BODY void put(BFloat16& to, float value) {
  // As to_bfloat16, without its branch: a NaN keeps its upper bits and gets the quiet bit.
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, nan = (bits >> 16) | 0x40;
  to.bits = static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded);
}

constexpr int64_t kWorthThreads = int64_t{1} << 15;  // numbers; fewer are done before a second thread wakes

}  // namespace limbeck::kernels
