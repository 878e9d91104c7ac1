// The header of a safetensors file, read as if an enemy wrote it (github.com/huggingface/safetensors, "Format").
// Eight bytes of little-endian length, then that many bytes of JSON, then the tensors' bytes without a gap.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::formats {

struct SafetensorsEntry {
  std::string name;
  at::ScalarType dtype = at::ScalarType::Float;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;  // bytes from SafetensorsHeader::data_begin
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // by offset
  std::map<std::string, std::string> metadata;
  uint64_t data_begin = 0;  // bytes from the start of the file
};

inline constexpr std::string_view kOpenSafetensors = "open_safetensors";  // what messages begin with

// Checks everything that can be checked: sizes, types, names, and that the tensors fill the file exactly. Throws Error
// "[open_safetensors] where: tensor 'x': expected ... but received ...".
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file, std::string_view where);

// The header of a file whose tensors follow in the order of `entries` (begin and end filled in here), padded so that
// the tensors begin at a multiple of 8 bytes.
std::string make_safetensors_header(std::vector<SafetensorsEntry>& entries,
                                    const std::map<std::string, std::string>& metadata);

}  // namespace limbeck::formats
