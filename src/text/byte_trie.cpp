#include "text/byte_trie.h"

#include <bit>

namespace limbeck::text {

ByteTrie::ByteTrie() : slots_(16, Slot{kFree, 0}), values_(1, -1), shift_(60) {
  from_root_.fill(kNone);
}

void ByteTrie::grow() {
  std::vector<Slot> before(slots_.size() * 2, Slot{kFree, 0});
  before.swap(slots_);
  shift_ = 64 - std::countr_zero(slots_.size());
  for (const Slot& slot : before) {
    if (slot.key == kFree) continue;
    std::size_t at = place_of(slot.key);
    while (slots_[at].key != kFree) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }
}

void ByteTrie::put(std::string_view key, int32_t value) {
  Node node = kRoot;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    Node child = next(node, byte);
    if (child == kNone) {
      child = Node(values_.size());
      values_.push_back(-1);
      if (node == kRoot) {
        from_root_[byte] = child;
      } else {
        if (2 * ++used_ > slots_.size()) grow();
        const uint64_t wanted = uint64_t(node) << 8 | byte;
        std::size_t at = place_of(wanted);
        while (slots_[at].key != kFree) at = (at + 1) & (slots_.size() - 1);
        slots_[at] = {wanted, child};
      }
    }
    node = child;
  }
  values_[node] = value;
}

ByteTrie::Node ByteTrie::walk(Node node, std::string_view bytes) const {
  for (const char c : bytes) {
    node = next(node, static_cast<unsigned char>(c));
    if (node == kNone) break;
  }
  return node;
}

int32_t ByteTrie::find(std::string_view key) const {
  const Node node = walk(kRoot, key);
  return node == kNone ? -1 : values_[node];
}

}  // namespace limbeck::text
