// An allocator of memory that begins at a line of the cache.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace limbeck::kernels {

template <class T>
struct Aligned {
  using value_type = T;
  Aligned() = default;
  template <class U>
  Aligned(const Aligned<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* pointer, std::size_t) { ::operator delete (pointer, std::align_val_t{64}); }
  bool operator==(const Aligned&) const { return true; }
};

template <class T>
using AlignedVector = std::vector<T, Aligned<T>>;

}  // namespace limbeck::kernels
