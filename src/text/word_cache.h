// The ids of words seen lately: a fixed table per thread and tokenizer, so that encoding needs neither locks nor
// allocations.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace limbeck::text {

uint64_t next_tokenizer_number();  // differs from that of any other tokenizer of this process

class WordCache {
 public:
  // The table of this thread for the tokenizer of that number; an older tokenizer's is given up when there are many.
  static WordCache& of(uint64_t tokenizer_number);

  static uint64_t hash(std::string_view word) {
    uint64_t h = word.size() * kMultiplier;
    const char* at = word.data();
    std::size_t left = word.size();
    for (; left >= 8; at += 8, left -= 8) h = mix(h, load(at, 8));
    if (left > 0) h = mix(h, load(at, left));
    return h;
  }

  // Appends the ids of the word; false when they are not here.
  bool find(std::string_view word, uint64_t hash, std::vector<int32_t>& out) const {
    const Entry& entry = entries_[hash >> kShift];
    if (entry.hash != hash || entry.length != word.size() || word.empty()) return false;
    if (std::memcmp(entry.payload, word.data(), word.size()) != 0) return false;
    const std::size_t before = out.size();
    out.resize(before + entry.count);
    if (entry.count > 0)
      std::memcpy(out.data() + before, entry.payload + padded(entry.length), entry.count * sizeof(int32_t));
    return true;
  }

  void put(std::string_view word, uint64_t hash, const int32_t* ids, std::size_t count) {
    if (word.size() > kMaxWord || padded(word.size()) + count * sizeof(int32_t) > sizeof(Entry::payload)) return;
    Entry& entry = entries_[hash >> kShift];
    entry.hash = hash;
    entry.length = uint8_t(word.size());
    entry.count = uint8_t(count);
    std::memcpy(entry.payload, word.data(), word.size());
    if (count > 0) std::memcpy(entry.payload + padded(word.size()), ids, count * sizeof(int32_t));
  }

 private:
  static constexpr int kShift = 64 - 14;  // 2^14 entries of 128 bytes
  static constexpr std::size_t kMaxWord = 64;
  static constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15ULL;
  struct alignas(64) Entry {
    uint64_t hash = 0;
    uint8_t length = 0, count = 0;
    char payload[118] = {};  // the word, then its ids
  };
  static_assert(sizeof(Entry) == 128);

  WordCache() : entries_(std::size_t(1) << (64 - kShift)) {}
  static std::size_t padded(std::size_t length) { return (length + 3) / 4 * 4; }
  static uint64_t load(const char* at, std::size_t size) {
    uint64_t value = 0;
    std::memcpy(&value, at, size);
    return value;
  }
  static uint64_t mix(uint64_t h, uint64_t value) {
    h = (h ^ value) * kMultiplier;
    return h ^ h >> 32;
  }
  std::vector<Entry> entries_;
};

}  // namespace limbeck::text
