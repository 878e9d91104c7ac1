// Reads the tokenizer's arrays from a GGUF file's metadata, for tests of this folder only: src/formats lies above
// src/text.
#pragma once

#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "base/files.h"
#include "text/gguf_vocabulary.h"

namespace limbeck::text::golden {

class GgufCursor {
 public:
  explicit GgufCursor(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string string() { return std::string(take(number<uint64_t>())); }
  // The value of one key; calls on_string / on_number for it, or for each entry of an array.
  template <class S, class N>
  void value(uint32_t type, S&& on_string, N&& on_number) {
    static constexpr int kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == 8) return on_string(string());
    if (type == 9) {
      const auto inner = number<uint32_t>();
      for (auto left = number<uint64_t>(); left > 0; --left) value(inner, on_string, on_number);
      return;
    }
    if (type > 12) throw std::runtime_error("unknown GGUF type");
    uint64_t bits = 0;
    const std::string_view raw = take(kSizes[type]);
    std::memcpy(&bits, raw.data(), raw.size());
    on_number(int64_t(bits));
  }

 private:
  std::string_view take(std::size_t count) {
    const std::string_view taken = bytes_.substr(0, count);
    if (taken.size() < count) throw std::runtime_error("GGUF ends early");
    bytes_.remove_prefix(count);
    return taken;
  }
  std::string_view bytes_;
};

inline GgufVocabulary gguf_vocabulary(const std::filesystem::path& file) {
  const MappedFile map(file);
  GgufCursor at({reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size()});
  at.number<uint64_t>();  // magic and version
  at.number<uint64_t>();  // tensors
  GgufVocabulary v;
  for (auto left = at.number<uint64_t>(); left > 0; --left) {
    const std::string key = at.string();
    std::vector<std::string> strings;
    std::vector<int64_t> numbers;
    at.value(
        at.number<uint32_t>(), [&](std::string s) { strings.push_back(std::move(s)); },
        [&](int64_t n) { numbers.push_back(n); });
    if (key == "tokenizer.ggml.model") v.model = strings.at(0);
    if (key == "tokenizer.ggml.pre") v.pre = strings.at(0);
    if (key == "tokenizer.ggml.tokens") v.tokens = strings;
    if (key == "tokenizer.ggml.merges") v.merges = strings;
    if (key == "tokenizer.ggml.token_type") v.token_types.assign(numbers.begin(), numbers.end());
    if (key == "tokenizer.ggml.bos_token_id") v.bos = numbers.at(0);
    if (key == "tokenizer.ggml.eos_token_id") v.eos = numbers.at(0);
    if (key == "tokenizer.ggml.unknown_token_id") v.unk = numbers.at(0);
    if (key == "tokenizer.ggml.padding_token_id") v.pad = numbers.at(0);
    if (key == "tokenizer.ggml.add_bos_token") v.add_bos = numbers.at(0) != 0;
    if (key == "tokenizer.chat_template") v.chat_template = strings.at(0);
  }
  return v;
}

}  // namespace limbeck::text::golden
