#include "formats/gguf_encode.h"

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>  // std::round, std::isfinite
#include <cstring>

#include "base/errors.h"

namespace limbeck::formats {
namespace {

void put_half(float value, std::byte* to) {
  const uint16_t bits = c10::detail::fp16_ieee_from_fp32_value(value);
  std::memcpy(to, &bits, sizeof bits);
}

void encode_f32(const float* x, std::byte* block) {
  std::memcpy(block, x, sizeof *x);
}
void encode_f16(const float* x, std::byte* block) {
  put_half(*x, block);
}
void encode_bf16(const float* x, std::byte* block) {
  const uint16_t bits = c10::detail::round_to_nearest_even(*x);
  std::memcpy(block, &bits, sizeof bits);
}

// 1 / scale; numbers so small that it would be infinite become 0.
float inverse_of(float scale) {
  const float inverse = 1 / scale;
  return std::isfinite(inverse) ? inverse : 0;
}

// The scale is kept in half precision, but the numbers are divided by it as it was before.
void encode_q8_0(const float* x, std::byte* block) {
  float most = 0;
  for (int j = 0; j < 32; ++j) most = std::max(most, std::abs(x[j]));
  const float scale = most / 127, inverse = inverse_of(scale);
  put_half(scale, block);
  for (int j = 0; j < 32; ++j) {
    const auto q = static_cast<int8_t>(std::round(x[j] * inverse));
    std::memcpy(block + 2 + j, &q, 1);
  }
}

// The number furthest from zero becomes -8; the first of two that are equally far.
void encode_q4_0(const float* x, std::byte* block) {
  float most = 0, furthest = 0;
  for (int j = 0; j < 32; ++j)
    if (most < std::abs(x[j])) most = std::abs(x[j]), furthest = x[j];
  const float scale = furthest / -8, inverse = inverse_of(scale);
  put_half(scale, block);
  const auto nibble = [&](float value) {
    return static_cast<unsigned>(std::min(15, static_cast<int>(static_cast<int8_t>(value * inverse + 8.5f))));
  };
  for (int j = 0; j < 16; ++j) block[2 + j] = static_cast<std::byte>(nibble(x[j]) | nibble(x[j + 16]) << 4);
}

// Whether all of x are integers of -8 to 7 times the scale of which the furthest number is `integer` times, and that
// scale has half precision.
bool integers_of(const float* x, float furthest, int integer, float& scale, int* integers) {
  scale = furthest / static_cast<float>(integer);
  if (c10::detail::fp16_ieee_to_fp32_value(c10::detail::fp16_ieee_from_fp32_value(scale)) != scale) return false;
  for (int j = 0; j < 32; ++j) {
    const float q = std::nearbyint(x[j] / scale);
    if (!(q >= -8 && q <= 7) || q * scale != x[j]) return false;
    integers[j] = static_cast<int>(q);
  }
  return true;
}

void encode_q4_0_again(const float* x, std::byte* block) {
  float furthest = 0, scale = 0;
  for (int j = 0; j < 32; ++j)
    if (std::abs(x[j]) > std::abs(furthest)) furthest = x[j];
  int integers[32];
  for (int integer = -8; integer <= 7 && furthest != 0; ++integer) {  // -8 is what the reference takes
    if (integer == 0 || !integers_of(x, furthest, integer, scale, integers)) continue;
    put_half(scale, block);
    for (int j = 0; j < 16; ++j) block[2 + j] = static_cast<std::byte>((integers[j] + 8) | (integers[j + 16] + 8) << 4);
    return;
  }
  encode_q4_0(x, block);
}

template <void (*kEncode)(const float*, std::byte*)>
void encode_all(const GgufTypeInfo& info, const float* values, std::byte* blocks, int64_t num_values) {
  const int64_t grain = std::max<int64_t>(1, 65536 / info.block_values);
  at::parallel_for(0, num_values / info.block_values, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) kEncode(values + i * info.block_values, blocks + i * info.block_bytes);
  });
}

}  // namespace

bool can_encode(GgufType type) {
  return type == GgufType::kF32 || type == GgufType::kF16 || type == GgufType::kBF16 || type == GgufType::kQ8_0 ||
         type == GgufType::kQ4_0;
}

void encode_blocks(GgufType type, const float* values, std::byte* blocks, int64_t num_values) {
  const GgufTypeInfo* info = find_gguf_type(static_cast<uint32_t>(type));
  if (info == nullptr || !can_encode(type))
    fail("encode_blocks", "expected F32, F16, BF16, Q8_0 or Q4_0 but received {}",
         info == nullptr ? "no type of GGUF" : info->name);
  if (num_values % info->block_values != 0)
    fail("encode_blocks", "{}: expected a multiple of {} numbers but received {}", info->name, info->block_values,
         num_values);
  switch (type) {
    case GgufType::kF32:
      return encode_all<encode_f32>(*info, values, blocks, num_values);
    case GgufType::kF16:
      return encode_all<encode_f16>(*info, values, blocks, num_values);
    case GgufType::kBF16:
      return encode_all<encode_bf16>(*info, values, blocks, num_values);
    case GgufType::kQ8_0:
      return encode_all<encode_q8_0>(*info, values, blocks, num_values);
    default:
      return encode_all<encode_q4_0>(*info, values, blocks, num_values);
  }
}

void encode_blocks_again(GgufType type, const float* values, std::byte* blocks, int64_t num_values) {
  const GgufTypeInfo& info = info_of(GgufType::kQ4_0);
  if (type != GgufType::kQ4_0 || num_values % info.block_values != 0)
    return encode_blocks(type, values, blocks, num_values);
  encode_all<encode_q4_0_again>(info, values, blocks, num_values);
}

}  // namespace limbeck::formats
