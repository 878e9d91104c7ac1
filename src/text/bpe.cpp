#include "text/bpe.h"

#include <algorithm>
#include <bit>

namespace limbeck::text {
namespace {

constexpr uint32_t kNoRank = UINT32_MAX;
constexpr std::size_t kShort = 48;  // up to here a scan over all neighbours beats a heap

uint64_t key(int32_t left, int32_t right) {
  return uint64_t(uint32_t(left)) << 32 | uint32_t(right);
}
uint64_t mixed(uint64_t pair) {
  return (pair ^ pair >> 29) * 0x9E3779B97F4A7C15ULL;
}

// What merge_long works in; kept so that a piece costs no allocation once the buffers have grown.
struct Scratch {
  std::vector<int32_t> ids, previous, next;
  std::vector<uint32_t> ranks;  // of the pair that begins here
  std::vector<int32_t> joined;  // what that pair becomes
  std::vector<uint64_t> heap;   // rank << 32 | position, smallest on top
};

}  // namespace

Bpe::Bpe(const std::array<int32_t, 256>& byte_ids, const std::vector<Merge>& merges, std::optional<int32_t> unknown,
         bool fuse_unknown)
    : Bpe(merges) {
  byte_ids_ = byte_ids;
  unknown_ = unknown;
  fuse_unknown_ = fuse_unknown;
}

Bpe::Bpe(const std::vector<Merge>& merges) {
  byte_ids_.fill(-1);
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(16, merges.size() * 2));
  slots_.resize(size);
  shift_ = 64 - std::countr_zero(size);
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t pair = key(merges[rank].left, merges[rank].right);
    std::size_t at = mixed(pair) >> shift_;
    while (slots_[at].pair != kEmpty && slots_[at].pair != pair) at = (at + 1) & (size - 1);
    slots_[at] = {pair, uint32_t(rank), merges[rank].joined};
  }
}

const Bpe::Slot* Bpe::find(int32_t left, int32_t right) const {
  const uint64_t pair = key(left, right);
  for (std::size_t at = mixed(pair) >> shift_;; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].pair == pair) return &slots_[at];
    if (slots_[at].pair == kEmpty) return nullptr;
  }
}

void Bpe::to_byte_tokens(std::string_view bytes, std::vector<int32_t>& out) const {
  bool after_unknown = false;
  for (const char b : bytes) {
    const int32_t id = byte_ids_[static_cast<unsigned char>(b)];
    if (id >= 0) {
      out.push_back(id);
      after_unknown = false;
    } else if (unknown_ && !(after_unknown && fuse_unknown_)) {
      out.push_back(*unknown_);
      after_unknown = true;
    }
  }
}

void Bpe::encode(std::string_view bytes, std::vector<int32_t>& out) const {
  const std::size_t begin = out.size();
  to_byte_tokens(bytes, out);
  merge(out, begin);
}

void Bpe::merge(std::vector<int32_t>& ids, std::size_t begin) const {
  const std::size_t length = ids.size() - begin;
  if (length < 2) return;
  if (length <= kShort) {
    merge_short(ids, begin);
  } else {
    merge_long(ids, begin);
  }
}

void Bpe::merge_short(std::vector<int32_t>& out, std::size_t begin) const {
  int32_t* ids = out.data() + begin;
  std::size_t count = out.size() - begin;
  std::array<uint32_t, kShort> ranks;
  std::array<int32_t, kShort> joined;
  const auto look_up = [&](std::size_t i) {
    const Slot* slot = find(ids[i], ids[i + 1]);
    ranks[i] = slot ? slot->rank : kNoRank;
    joined[i] = slot ? slot->joined : 0;
  };
  for (std::size_t i = 0; i + 1 < count; ++i) look_up(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i)
      if (ranks[i] < ranks[best]) best = i;
    if (ranks[best] == kNoRank) break;
    ids[best] = joined[best];
    for (std::size_t i = best + 1; i + 1 < count; ++i) ids[i] = ids[i + 1];
    for (std::size_t i = best + 1; i + 2 < count; ++i) ranks[i] = ranks[i + 1], joined[i] = joined[i + 1];
    --count;
    if (best + 1 < count) look_up(best);
    if (best > 0) look_up(best - 1);
  }
  out.resize(begin + count);
}

void Bpe::merge_long(std::vector<int32_t>& out, std::size_t begin) const {
  thread_local Scratch s;
  const auto count = int32_t(out.size() - begin);
  s.ids.assign(out.begin() + std::ptrdiff_t(begin), out.end());
  s.previous.resize(count);
  s.next.resize(count);
  s.ranks.assign(count, kNoRank);
  s.joined.resize(count);
  s.heap.clear();
  const auto look_up = [&](int32_t i) {  // true when a merge joins what stands at i with its right neighbour
    const Slot* slot = s.next[i] < count ? find(s.ids[i], s.ids[s.next[i]]) : nullptr;
    s.ranks[i] = slot ? slot->rank : kNoRank;
    if (slot) s.joined[i] = slot->joined;
    return slot != nullptr;
  };
  const auto entry = [&](int32_t i) { return uint64_t(s.ranks[i]) << 32 | uint32_t(i); };
  for (int32_t i = 0; i < count; ++i) s.previous[i] = i - 1, s.next[i] = i + 1;
  for (int32_t i = 0; i + 1 < count; ++i)
    if (look_up(i)) s.heap.push_back(entry(i));
  std::make_heap(s.heap.begin(), s.heap.end(), std::greater<>());
  const auto push = [&](int32_t i) {
    s.heap.push_back(entry(i));
    std::push_heap(s.heap.begin(), s.heap.end(), std::greater<>());
  };
  while (!s.heap.empty()) {
    const uint64_t top = s.heap.front();
    std::pop_heap(s.heap.begin(), s.heap.end(), std::greater<>());
    s.heap.pop_back();
    const auto i = int32_t(uint32_t(top));
    if (s.ranks[i] != uint32_t(top >> 32)) continue;  // that pair is gone
    const int32_t right = s.next[i];
    s.ids[i] = s.joined[i];
    s.next[i] = s.next[right];
    s.ranks[right] = kNoRank;
    if (s.next[i] < count) s.previous[s.next[i]] = i;
    if (look_up(i)) push(i);
    const int32_t before = s.previous[i];
    if (before >= 0 && look_up(before)) push(before);
  }
  out.resize(begin);
  for (int32_t i = 0; i < count; i = s.next[i]) out.push_back(s.ids[i]);
}

}  // namespace limbeck::text
