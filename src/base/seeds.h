// Randomness is handed in. A Seed is a value; derive(name, index...) gives an independent one, the same on any machine,
// whatever the order of derivation. Random is a small generator (xoshiro256++) made from a seed.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace limbeck {

class Seed {
 public:
  explicit constexpr Seed(uint64_t value = 0) : value_(value) {}
  constexpr uint64_t value() const { return value_; }
  Seed derive(std::string_view name) const;
  Seed derive(uint64_t index) const;

 private:
  uint64_t value_;
};

class Random {
 public:
  using result_type = uint64_t;
  explicit Random(Seed seed);
  uint64_t operator()();           // 64 uniform bits
  double uniform();                // [0, 1), 53 bits
  double normal();                 // mean 0, variance 1 (Box-Muller, no state kept)
  uint64_t below(uint64_t bound);  // [0, bound), unbiased; bound > 0
  template <class T>
  void shuffle(std::vector<T>& items) {  // Fisher-Yates; the same on every standard library
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }
  std::array<uint64_t, 4> state() const { return state_; }
  void set_state(const std::array<uint64_t, 4>& state) { state_ = state; }
  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return std::numeric_limits<uint64_t>::max(); }

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace limbeck
