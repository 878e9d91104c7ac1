#include "formats/gguf_encode.h"

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <atomic>
#include <cmath>  // std::round, std::isfinite
#include <cstring>
#include <optional>

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

// A block as integers times a scale.
struct Scaled {
  float scale = 0;
  int integers[32] = {};
};

float furthest_of(const float* x, int count) {
  float furthest = 0;
  for (int j = 0; j < count; ++j)
    if (std::abs(x[j]) > std::abs(furthest)) furthest = x[j];
  return furthest;
}

// Whether all of x are integers of `least` to `most` times the scale.
bool integers_of(const float* x, int count, float scale, int least, int most, int* integers) {
  for (int j = 0; j < count; ++j) {
    const float q = std::nearbyint(x[j] / scale);
    if (!(q >= static_cast<float>(least) && q <= static_cast<float>(most)) || q * scale != x[j]) return false;
    integers[j] = static_cast<int>(q);
  }
  return true;
}

uint32_t bits_of(float number) {
  uint32_t bits = 0;
  std::memcpy(&bits, &number, sizeof bits);
  return bits;
}

bool is_half(float number) {
  if ((bits_of(number) & 0x1fff) != 0) return false;  // more than 11 binary digits
  return c10::detail::fp16_ieee_to_fp32_value(c10::detail::fp16_ieee_from_fp32_value(number)) == number;
}

// A scale of half precision and the integers of -8 to 7 that give a block of Q4_0.
std::optional<Scaled> scaled_to_q4_0(const float* x) {
  const float furthest = furthest_of(x, 32);
  Scaled result;
  if (furthest == 0) return result;
  for (int integer = -8; integer <= 7; ++integer) {  // -8 is what the reference takes
    if (integer == 0) continue;
    result.scale = furthest / static_cast<float>(integer);
    if (is_half(result.scale) && integers_of(x, 32, result.scale, -8, 7, result.integers)) return result;
  }
  return std::nullopt;
}

// The same for -128 to 127 and Q8_0. Such a number has at most 19 binary digits.
std::optional<Scaled> scaled_to_q8_0(const float* x) {
  uint32_t bits = 0;
  for (int j = 0; j < 32; ++j) bits |= bits_of(x[j]);
  if ((bits & 0x1f) != 0) return std::nullopt;
  const float furthest = furthest_of(x, 32);
  Scaled result;
  if (furthest == 0) return result;
  for (int integer = 127; integer >= 1; --integer) {  // 127 is what the reference takes
    result.scale = std::abs(furthest) / static_cast<float>(integer);
    if (is_half(result.scale) && integers_of(x, 32, result.scale, -128, 127, result.integers)) return result;
  }
  result.scale = furthest / -128;
  if (is_half(result.scale) && integers_of(x, 32, result.scale, -128, 127, result.integers)) return result;
  return std::nullopt;
}

// 16 numbers of Q6_K: integers of -32 to 31 times a scale that is a half times an integer of 8 bits, 19 binary digits.
bool is_q6_k(const float* x) {
  const float furthest = furthest_of(x, 16);
  int integers[16];
  for (int integer = -32; integer <= 31 && furthest != 0; ++integer) {
    if (integer == 0) continue;
    const float scale = furthest / static_cast<float>(integer);
    if ((bits_of(scale) & 0x1f) == 0 && integers_of(x, 16, scale, -32, 31, integers)) return true;
  }
  return furthest == 0;
}

template <class F>
bool all_groups(const float* values, int64_t num_values, int64_t size, F&& holds) {
  if (num_values % size != 0) return false;
  std::atomic<bool> all = true;
  at::parallel_for(0, num_values / size, 65536 / size, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end && all.load(std::memory_order_relaxed); ++i)
      if (!holds(values + i * size)) all = false;
  });
  return all;
}

void encode_q8_0_again(const float* x, std::byte* block) {
  const auto scaled = scaled_to_q8_0(x);
  if (!scaled) return encode_q8_0(x, block);
  put_half(scaled->scale, block);
  for (int j = 0; j < 32; ++j) block[2 + j] = static_cast<std::byte>(scaled->integers[j]);
}

void encode_q4_0_again(const float* x, std::byte* block) {
  const auto scaled = scaled_to_q4_0(x);
  if (!scaled) return encode_q4_0(x, block);
  const auto& q = scaled->integers;
  put_half(scaled->scale, block);
  for (int j = 0; j < 16; ++j) block[2 + j] = static_cast<std::byte>((q[j] + 8) | (q[j + 16] + 8) << 4);
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
  const GgufTypeInfo& info = info_of(type);
  if ((type != GgufType::kQ8_0 && type != GgufType::kQ4_0) || num_values % info.block_values != 0)
    return encode_blocks(type, values, blocks, num_values);
  if (type == GgufType::kQ8_0)
    encode_all<encode_q8_0_again>(info, values, blocks, num_values);
  else
    encode_all<encode_q4_0_again>(info, values, blocks, num_values);
}

std::optional<GgufType> block_type_of(const float* values, int64_t num_values) {
  if (all_groups(values, num_values, 32, [](const float* x) { return scaled_to_q4_0(x).has_value(); }))
    return GgufType::kQ4_0;
  if (all_groups(values, num_values, 32, [](const float* x) { return scaled_to_q8_0(x).has_value(); }))
    return GgufType::kQ8_0;
  if (num_values % 256 == 0 && all_groups(values, num_values, 16, is_q6_k)) return GgufType::kQ6_K;
  return std::nullopt;
}

}  // namespace limbeck::formats
