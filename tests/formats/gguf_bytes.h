// GGUF files made byte by byte, right or wrong as a test wants them.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::formats::testing {

class GgufBytes {
 public:
  explicit GgufBytes(uint64_t num_tensors = 0, uint64_t num_values = 0, uint32_t version = 3) {
    bytes_ = "GGUF";
    number<uint32_t>(version).number<uint64_t>(num_tensors).number<uint64_t>(num_values);
  }
  template <class T>
  GgufBytes& number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  GgufBytes& text(std::string_view text) {
    number<uint64_t>(text.size());
    bytes_ += text;
    return *this;
  }
  GgufBytes& key(std::string_view name, uint32_t type) { return text(name).number<uint32_t>(type); }
  GgufBytes& array(std::string_view name, uint32_t element, uint64_t count) {
    return key(name, 9).number<uint32_t>(element).number<uint64_t>(count);
  }
  GgufBytes& tensor(std::string_view name, std::vector<uint64_t> sizes, uint32_t type, uint64_t offset) {
    text(name).number<uint32_t>(static_cast<uint32_t>(sizes.size()));
    for (const uint64_t size : sizes) number<uint64_t>(size);
    return number<uint32_t>(type).number<uint64_t>(offset);
  }
  // Pads to the alignment and appends so many bytes of tensors.
  GgufBytes& data(std::size_t num_bytes, std::size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment + num_bytes);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace limbeck::formats::testing
