// Reads little-endian numbers and texts from bytes that may end anywhere.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/errors.h"

namespace limbeck::formats {

static_assert(std::endian::native == std::endian::little, "GGUF files hold little-endian numbers");

class ByteReader {
 public:
  // Errors read "[where] what: at byte N: ...".
  ByteReader(std::span<const std::byte> bytes, std::string where, std::string what)
      : bytes_(bytes), where_(std::move(where)), what_(std::move(what)) {}

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)), sizeof(T));
    return value;
  }

  // A 64-bit length and that many bytes; a view into the bytes read.
  std::string_view text() {
    const uint64_t length = number<uint64_t>();
    return {reinterpret_cast<const char*>(take(length)), length};
  }

  // A count of items that take at least `least_bytes` each: refused before anything is allocated for it.
  uint64_t count(uint64_t least_bytes) {
    const uint64_t count = number<uint64_t>();
    if (count > remaining() / least_bytes)
      refuse(fmt::format("expected a count that the {} bytes left can hold but received {}", remaining(), count));
    return count;
  }

  [[noreturn]] void refuse(const std::string& message) const {
    fail(where_, "{}: at byte {}: {}", what_, position_, message);
  }

 private:
  const std::byte* take(uint64_t size) {
    if (size > remaining())
      refuse(fmt::format("expected {} more bytes but received {}; is the file cut short?", size, remaining()));
    const std::byte* taken = bytes_.data() + position_;
    position_ += size;
    return taken;
  }

  std::span<const std::byte> bytes_;
  std::string where_, what_;
  uint64_t position_ = 0;
};

}  // namespace limbeck::formats
