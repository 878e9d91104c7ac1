// The corpus of tests/golden/text and what the `tokenizers` library makes of it
// (tests/golden/scripts/make_tokenizer_golden.py).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"

namespace limbeck::text::golden {

inline std::filesystem::path folder() {
  return std::filesystem::path(LIMBECK_SOURCE_DIR) / "tests/golden/text";
}

// A text a line; \\ \n \r are a backslash and the two line breaks.
inline std::vector<std::string> corpus() {
  const std::string file = read_file(folder() / "corpus.txt");
  std::vector<std::string> texts;
  std::string text;
  for (std::size_t i = 0; i < file.size(); ++i) {
    if (file[i] == '\n') {
      texts.push_back(std::move(text));
      text.clear();
    } else if (file[i] == '\\') {
      ++i;
      text += file[i] == 'n' ? '\n' : file[i] == 'r' ? '\r' : '\\';
    } else {
      text += file[i];
    }
  }
  return texts;
}

inline uint32_t crc32_of(std::span<const int32_t> ids) {  // that of zlib, over the ids' little-endian bytes
  static const auto table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = c & 1 ? 0xEDB88320U ^ c >> 1 : c >> 1;
      t[i] = c;
    }
    return t;
  }();
  uint32_t c = 0xFFFFFFFFU;
  for (const int32_t id : ids)
    for (int shift = 0; shift < 32; shift += 8) c = table[(c ^ uint32_t(id) >> shift) & 0xFF] ^ c >> 8;
  return ~c;
}

inline std::vector<uint32_t> checksums(const std::string& tokenizer) {
  const std::string file = read_file(folder() / (tokenizer + ".crc32"));
  std::vector<uint32_t> sums(file.size() / 4);
  std::memcpy(sums.data(), file.data(), sums.size() * 4);
  return sums;
}

}  // namespace limbeck::text::golden
