// Seeds are mixed with the finaliser of SplitMix64 (Steele et al. 2014); the generator is xoshiro256++ (Blackman and
// Vigna 2019), seeded through SplitMix64 as its authors advise.
#include "base/seeds.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace limbeck {
namespace {

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ULL;

constexpr uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

Seed Seed::derive(std::string_view name) const {
  uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a over the bytes, its length mixed in so that "" differs from no name
  for (const unsigned char c : name) hash = (hash ^ c) * 0x100000001b3ULL;
  return Seed(mix(mix(value_ + kGolden) ^ mix(hash + name.size())));
}

Seed Seed::derive(uint64_t index) const {
  // Another constant than for names, so that derive(3) and derive("3") have nothing in common.
  return Seed(mix(mix(value_ + kGolden) + mix(index ^ 0xd1b54a32d192ed03ULL) * kGolden));
}

Random::Random(Seed seed) {
  uint64_t x = seed.value();
  for (auto& word : state_) word = mix(x += kGolden);
}

uint64_t Random::operator()() {
  auto& s = state_;
  const uint64_t result = std::rotl(s[0] + s[3], 23) + s[0];
  const uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

double Random::uniform() {
  return static_cast<double>((*this)() >> 11) * 0x1.0p-53;
}

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log1p(-uniform()));  // 1 - u is in (0, 1]
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

uint64_t Random::below(uint64_t bound) {
  // Lemire 2019: the high word of x * bound, rejecting the few x that would make some results likelier.
  auto product = static_cast<unsigned __int128>((*this)()) * bound;
  if (static_cast<uint64_t>(product) < bound) {
    const uint64_t threshold = -bound % bound;
    while (static_cast<uint64_t>(product) < threshold) product = static_cast<unsigned __int128>((*this)()) * bound;
  }
  return static_cast<uint64_t>(product >> 64);
}

}  // namespace limbeck
