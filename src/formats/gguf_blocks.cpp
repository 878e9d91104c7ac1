#include "formats/gguf_blocks.h"

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/errors.h"

namespace limbeck::formats {
namespace {

constexpr std::array kTypes = {
    GgufTypeInfo{0, "F32", 1, 4, true},          GgufTypeInfo{1, "F16", 1, 2, true},
    GgufTypeInfo{2, "Q4_0", 32, 18, true},       GgufTypeInfo{3, "Q4_1", 32, 20, true},
    GgufTypeInfo{6, "Q5_0", 32, 22, true},       GgufTypeInfo{7, "Q5_1", 32, 24, true},
    GgufTypeInfo{8, "Q8_0", 32, 34, true},       GgufTypeInfo{9, "Q8_1", 32, 36, false},
    GgufTypeInfo{10, "Q2_K", 256, 84, false},    GgufTypeInfo{11, "Q3_K", 256, 110, false},
    GgufTypeInfo{12, "Q4_K", 256, 144, true},    GgufTypeInfo{13, "Q5_K", 256, 176, true},
    GgufTypeInfo{14, "Q6_K", 256, 210, true},    GgufTypeInfo{15, "Q8_K", 256, 292, false},
    GgufTypeInfo{16, "IQ2_XXS", 256, 66, false}, GgufTypeInfo{17, "IQ2_XS", 256, 74, false},
    GgufTypeInfo{18, "IQ3_XXS", 256, 98, false}, GgufTypeInfo{19, "IQ1_S", 256, 50, false},
    GgufTypeInfo{20, "IQ4_NL", 32, 18, false},   GgufTypeInfo{21, "IQ3_S", 256, 110, false},
    GgufTypeInfo{22, "IQ2_S", 256, 82, false},   GgufTypeInfo{23, "IQ4_XS", 256, 136, false},
    GgufTypeInfo{24, "I8", 1, 1, true},          GgufTypeInfo{25, "I16", 1, 2, true},
    GgufTypeInfo{26, "I32", 1, 4, true},         GgufTypeInfo{27, "I64", 1, 8, true},
    GgufTypeInfo{28, "F64", 1, 8, true},         GgufTypeInfo{29, "IQ1_M", 256, 56, false},
    GgufTypeInfo{30, "BF16", 1, 2, true},        GgufTypeInfo{34, "TQ1_0", 256, 54, false},
    GgufTypeInfo{35, "TQ2_0", 256, 66, false},   GgufTypeInfo{39, "MXFP4", 32, 17, false},
    GgufTypeInfo{40, "NVFP4", 64, 36, false},
};

using Byte = uint8_t;

float half_at(const Byte* bytes) {
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return c10::detail::fp16_ieee_to_fp32_value(bits);
}

// Each decodes one block. The order of the products is ggml's, so that the results are the same to the bit.

void decode_q4_0(const Byte* block, float* y) {
  const float scale = half_at(block);
  const Byte* q = block + 2;
  for (int j = 0; j < 16; ++j) {
    y[j] = static_cast<float>((q[j] & 15) - 8) * scale;
    y[j + 16] = static_cast<float>((q[j] >> 4) - 8) * scale;
  }
}

void decode_q4_1(const Byte* block, float* y) {
  const float scale = half_at(block), low = half_at(block + 2);
  const Byte* q = block + 4;
  for (int j = 0; j < 16; ++j) {
    y[j] = static_cast<float>(q[j] & 15) * scale + low;
    y[j + 16] = static_cast<float>(q[j] >> 4) * scale + low;
  }
}

// The fifth bits of 32 numbers, one a byte (0 or 16), so that the loops over numbers stay simple.
void spread_fifth_bits(const Byte* block_bits, Byte* fifth) {
  uint32_t bits;
  std::memcpy(&bits, block_bits, sizeof bits);
  for (int j = 0; j < 32; ++j) fifth[j] = static_cast<Byte>((bits >> j & 1) << 4);
}

void decode_q5_0(const Byte* block, float* y) {
  const float scale = half_at(block);
  Byte fifth[32];
  spread_fifth_bits(block + 2, fifth);
  const Byte* q = block + 6;
  for (int j = 0; j < 16; ++j) {
    y[j] = static_cast<float>(((q[j] & 15) | fifth[j]) - 16) * scale;
    y[j + 16] = static_cast<float>(((q[j] >> 4) | fifth[j + 16]) - 16) * scale;
  }
}

void decode_q5_1(const Byte* block, float* y) {
  const float scale = half_at(block), low = half_at(block + 2);
  Byte fifth[32];
  spread_fifth_bits(block + 4, fifth);
  const Byte* q = block + 8;
  for (int j = 0; j < 16; ++j) {
    y[j] = static_cast<float>((q[j] & 15) | fifth[j]) * scale + low;
    y[j + 16] = static_cast<float>((q[j] >> 4) | fifth[j + 16]) * scale + low;
  }
}

void decode_q8_0(const Byte* block, float* y) {
  const float scale = half_at(block);
  for (int j = 0; j < 32; ++j) y[j] = static_cast<float>(static_cast<int8_t>(block[2 + j])) * scale;
}

// Eight 6-bit scales and eight 6-bit offsets packed into 12 bytes: the first four of each in the low 6 bits of bytes
// 0-3 and 4-7, the rest as a low nibble in bytes 8-11 and two bits on top of the first eight bytes.
struct Scales {
  Byte scale[8], low[8];
};
Scales unpack_scales(const Byte* p) {
  Scales s;
  for (int j = 0; j < 4; ++j) {
    s.scale[j] = p[j] & 63;
    s.low[j] = p[j + 4] & 63;
    s.scale[j + 4] = static_cast<Byte>((p[j + 8] & 15) | (p[j] >> 6) << 4);
    s.low[j + 4] = static_cast<Byte>((p[j + 8] >> 4) | (p[j + 4] >> 6) << 4);
  }
  return s;
}

void decode_q4_k(const Byte* block, float* y) {
  const float scale = half_at(block), low = half_at(block + 2);
  const Scales s = unpack_scales(block + 4);
  const Byte* q = block + 16;
  for (int part = 0; part < 4; ++part, q += 32, y += 64) {
    const float scale0 = scale * s.scale[2 * part], low0 = low * s.low[2 * part];
    const float scale1 = scale * s.scale[2 * part + 1], low1 = low * s.low[2 * part + 1];
    for (int j = 0; j < 32; ++j) y[j] = scale0 * static_cast<float>(q[j] & 15) - low0;
    for (int j = 0; j < 32; ++j) y[j + 32] = scale1 * static_cast<float>(q[j] >> 4) - low1;
  }
}

void decode_q5_k(const Byte* block, float* y) {
  const float scale = half_at(block), low = half_at(block + 2);
  const Scales s = unpack_scales(block + 4);
  const Byte* fifth = block + 16;  // bit p of byte j belongs to number 32 p + j
  const Byte* q = block + 48;
  for (int part = 0; part < 4; ++part, q += 32, y += 64) {
    const float scale0 = scale * s.scale[2 * part], low0 = low * s.low[2 * part];
    const float scale1 = scale * s.scale[2 * part + 1], low1 = low * s.low[2 * part + 1];
    for (int j = 0; j < 32; ++j)
      y[j] = scale0 * static_cast<float>((q[j] & 15) | (fifth[j] >> (2 * part) & 1) << 4) - low0;
    for (int j = 0; j < 32; ++j)
      y[j + 32] = scale1 * static_cast<float>((q[j] >> 4) | (fifth[j] >> (2 * part + 1) & 1) << 4) - low1;
  }
}

void decode_q6_k(const Byte* block, float* y) {
  const Byte* low = block;         // 4 bits of each number
  const Byte* high = block + 128;  // 2 bits of each number
  const Byte* scales = block + 192;
  const float scale = half_at(block + 208);
  for (int part = 0; part < 2; ++part, low += 64, high += 32, scales += 8, y += 128) {
    float s[8];
    for (int i = 0; i < 8; ++i) s[i] = scale * static_cast<float>(static_cast<int8_t>(scales[i]));
    for (int j = 0; j < 32; ++j) {
      const int half = j / 16;
      y[j] = s[half] * static_cast<float>(((low[j] & 15) | (high[j] & 3) << 4) - 32);
      y[j + 32] = s[half + 2] * static_cast<float>(((low[j + 32] & 15) | (high[j] >> 2 & 3) << 4) - 32);
      y[j + 64] = s[half + 4] * static_cast<float>(((low[j] >> 4) | (high[j] >> 4 & 3) << 4) - 32);
      y[j + 96] = s[half + 6] * static_cast<float>(((low[j + 32] >> 4) | (high[j] >> 6) << 4) - 32);
    }
  }
}

void decode_f32(const Byte* block, float* y) {
  std::memcpy(y, block, sizeof *y);
}
void decode_f16(const Byte* block, float* y) {
  *y = half_at(block);
}
void decode_bf16(const Byte* block, float* y) {
  uint16_t bits;
  std::memcpy(&bits, block, sizeof bits);
  *y = c10::detail::f32_from_bits(bits);
}

template <void (*kDecode)(const Byte*, float*)>
void decode_all(const GgufTypeInfo& info, const Byte* blocks, float* values, int64_t num_values) {
  const int64_t grain = std::max<int64_t>(1, 65536 / info.block_values);
  at::parallel_for(0, num_values / info.block_values, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) kDecode(blocks + i * info.block_bytes, values + i * info.block_values);
  });
}

}  // namespace

const GgufTypeInfo* find_gguf_type(uint32_t id) {
  for (const GgufTypeInfo& info : kTypes)
    if (info.id == id) return &info;
  return nullptr;
}

const GgufTypeInfo& info_of(GgufType type) {
  return *find_gguf_type(static_cast<uint32_t>(type));
}

void decode_blocks(GgufType type, const std::byte* blocks, float* values, int64_t num_values) {
  const GgufTypeInfo* info = find_gguf_type(static_cast<uint32_t>(type));
  if (info == nullptr) fail("decode_blocks", "expected a GGUF type but received {}", static_cast<uint32_t>(type));
  if (num_values % info->block_values != 0)
    fail("decode_blocks", "{}: expected a multiple of {} numbers but received {}", info->name, info->block_values,
         num_values);
  const auto* bytes = reinterpret_cast<const Byte*>(blocks);
  switch (type) {
    case GgufType::kF32:
      return decode_all<decode_f32>(*info, bytes, values, num_values);
    case GgufType::kF16:
      return decode_all<decode_f16>(*info, bytes, values, num_values);
    case GgufType::kBF16:
      return decode_all<decode_bf16>(*info, bytes, values, num_values);
    case GgufType::kQ4_0:
      return decode_all<decode_q4_0>(*info, bytes, values, num_values);
    case GgufType::kQ4_1:
      return decode_all<decode_q4_1>(*info, bytes, values, num_values);
    case GgufType::kQ5_0:
      return decode_all<decode_q5_0>(*info, bytes, values, num_values);
    case GgufType::kQ5_1:
      return decode_all<decode_q5_1>(*info, bytes, values, num_values);
    case GgufType::kQ8_0:
      return decode_all<decode_q8_0>(*info, bytes, values, num_values);
    case GgufType::kQ4_K:
      return decode_all<decode_q4_k>(*info, bytes, values, num_values);
    case GgufType::kQ5_K:
      return decode_all<decode_q5_k>(*info, bytes, values, num_values);
    case GgufType::kQ6_K:
      return decode_all<decode_q6_k>(*info, bytes, values, num_values);
    default:
      fail("decode_blocks", "expected a type that decodes to fp32 but received {}", info->name);
  }
}

}  // namespace limbeck::formats
