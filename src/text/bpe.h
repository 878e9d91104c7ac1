// Byte pair encoding of one piece of text (Sennrich et al., arXiv:1508.07909) over bytes: of all neighbours that a
// merge joins, the one of lowest rank is joined first, the leftmost of equals, until none is left. O(n log n) in the
// piece's length.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace limbeck::text {

struct Merge {
  int32_t left, right, joined;
};

class Bpe {
 public:
  // byte_ids: the token of each single byte, -1 where the vocabulary has none. Such bytes become `unknown` (a run of
  // them one token when fuse_unknown), or nothing when there is none, as in the `tokenizers` library. The rank of a
  // merge is its place; the last of equals counts. At most 2^31 - 1 merges.
  Bpe(const std::array<int32_t, 256>& byte_ids, const std::vector<Merge>& merges, std::optional<int32_t> unknown = {},
      bool fuse_unknown = false);

  explicit Bpe(const std::vector<Merge>& merges);  // for merge alone

  void encode(std::string_view bytes, std::vector<int32_t>& out) const;  // appends
  void merge(std::vector<int32_t>& ids, std::size_t begin) const;        // what stands from `begin` on

 private:
  struct Slot {
    uint64_t pair = kEmpty;
    uint32_t rank = 0;
    int32_t joined = 0;
  };
  static constexpr uint64_t kEmpty = ~uint64_t(0);
  const Slot* find(int32_t left, int32_t right) const;
  void to_byte_tokens(std::string_view bytes, std::vector<int32_t>& out) const;
  void merge_short(std::vector<int32_t>& out, std::size_t begin) const;
  void merge_long(std::vector<int32_t>& out, std::size_t begin) const;

  std::array<int32_t, 256> byte_ids_;
  std::vector<Slot> slots_;  // open addressing, power of two
  int shift_ = 0;            // of the hash to an index
  std::optional<int32_t> unknown_;
  bool fuse_unknown_ = false;
};

}  // namespace limbeck::text
