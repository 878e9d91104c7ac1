// A set of byte strings, walked byte by byte: which of them a text begins with. Built once, by hashing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace limbeck::text {

class ByteTrie {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0, kNone = UINT32_MAX;

  ByteTrie();
  void put(std::string_view key, int32_t value);  // not negative; the last of equal keys counts
  Node next(Node node, unsigned char byte) const {
    if (node == kRoot) return from_root_[byte];
    const uint64_t wanted = uint64_t(node) << 8 | byte;
    for (std::size_t at = place_of(wanted);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].key == wanted) return slots_[at].child;
      if (slots_[at].key == kFree) return kNone;
    }
  }
  int32_t value(Node node) const { return values_[node]; }  // -1 where no key ends
  Node walk(Node node, std::string_view bytes) const;       // kNone when it leaves the trie
  int32_t find(std::string_view key) const;                 // -1 when it is not there

 private:
  struct Slot {
    uint64_t key;  // node << 8 | byte
    Node child;
  };
  static constexpr uint64_t kFree = ~uint64_t(0);
  std::size_t place_of(uint64_t key) const { return std::size_t(key * 0x9E3779B97F4A7C15ULL >> shift_); }
  void grow();

  std::array<Node, 256> from_root_;
  std::vector<Slot> slots_;  // open addressing, at most half full
  std::vector<int32_t> values_;
  std::size_t used_ = 0;
  int shift_ = 0;
};

}  // namespace limbeck::text
