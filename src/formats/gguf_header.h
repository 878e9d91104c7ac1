// What stands before the tensors of a GGUF file, read as if an enemy wrote it (versions 2 and 3, little endian;
// github.com/ggml-org/ggml, docs/gguf.md). Version 1 and big-endian files are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace limbeck::formats {

struct GgufTensor {
  std::string name;
  uint32_t type = 0;            // of find_gguf_type, which knows it
  std::vector<int64_t> shape;   // row-major: the file's order reversed
  uint64_t begin = 0, end = 0;  // bytes of the file
};

struct GgufHeader {
  uint32_t version = 0;
  Json metadata = Json::object();
  std::map<std::string, std::vector<std::string>> strings;  // the arrays of strings, which are not in `metadata`
  std::vector<GgufTensor> tensors;                          // in the order of the file
};

// Checks counts, lengths, types, names, alignment, and that every tensor lies inside the file and on no other.
GgufHeader parse_gguf_header(std::span<const std::byte> file, std::string_view where);

}  // namespace limbeck::formats
