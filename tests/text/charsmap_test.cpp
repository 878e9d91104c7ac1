#include "text/charsmap.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/errors.h"
#include "base/seeds.h"

namespace limbeck::text {
namespace {

// A map of one entry as a double array: a block of 256 units for each byte of the key.
std::string map_of_one(std::string_view key, std::string_view replacement) {
  std::vector<uint32_t> units(256 * (key.size() + 2));
  units[0] = 256 << 10;
  for (std::size_t depth = 1; depth <= key.size(); ++depth) {
    const auto byte = static_cast<unsigned char>(key[depth - 1]);
    const auto place = uint32_t(256 * depth + byte);
    units[place] = (place ^ uint32_t(256 * (depth + 1))) << 10 | (depth == key.size() ? 256U : 0U) | byte;
  }
  units[256 * (key.size() + 1)] = 1U << 31;
  std::string bytes(4 + 4 * units.size(), '\0');
  const auto size = uint32_t(4 * units.size());
  std::memcpy(bytes.data(), &size, 4);
  std::memcpy(bytes.data() + 4, units.data(), size);
  return bytes.append(replacement).append(1, '\0');
}

std::string mapped(std::string_view key, std::string_view replacement, std::string text) {
  Charsmap(map_of_one(key, replacement), "map").apply(text);
  return text;
}

TEST(Charsmap, ReplacesACharacterWhereverItStands) {
  EXPECT_EQ(mapped("ﬁ", "fi", "ﬁn, ﬁ"), "fin, fi");
  EXPECT_EQ(mapped("x", "", "axbx"), "ab");
  EXPECT_EQ(mapped("ﬁ", "fi", "plain"), "plain");
}

TEST(Charsmap, AShortGraphemeIsReplacedAsAWhole) {  // as that library does, the mark goes with it
  EXPECT_EQ(mapped("a", "X", "a\u0301b"), "Xb");
  EXPECT_EQ(mapped("\r", "R", "\r\n\n"), "R\n");
}

TEST(Charsmap, OfALongGraphemeEveryCharacterIsLookedUp) {
  EXPECT_EQ(mapped("a", "X", "a\u0301\u0301\u0301"), "X\u0301\u0301\u0301");
}

TEST(Charsmap, RefusesWhatIsNoMap) {
  EXPECT_THROW(Charsmap("", "map"), Error);
  EXPECT_THROW(Charsmap(std::string_view("\xFF\xFF\xFF\x7F xx", 7), "map"), Error);
  EXPECT_THROW(Charsmap(std::string_view("\0\0\0\0", 4), "map"), Error);
}

TEST(Charsmap, ADamagedMapNeverLeadsOutsideOfIt) {
  const std::string whole = map_of_one("ab", "X");
  Random random{Seed(5)};
  for (int round = 0; round < 500; ++round) {
    std::string damaged = whole;
    for (int hit = 0; hit < 40; ++hit) damaged[4 + random.below(damaged.size() - 4)] = char(random.below(256));
    try {
      std::string text = "abcab\u0301 é ab\r\n";
      Charsmap(damaged, "map").apply(text);
    } catch (const Error&) {
    }
  }
}

TEST(Base64, GoesBothWaysAtEveryLength) {
  std::string bytes, decoded;
  for (int size = 0; size < 20; ++size) {
    ASSERT_TRUE(decode_base64(encode_base64(bytes), decoded));
    EXPECT_EQ(decoded, bytes);
    bytes += char(size * 37);
  }
  EXPECT_EQ(encode_base64("Man"), "TWFu");
  EXPECT_EQ(encode_base64("M"), "TQ==");
  for (const char* bad : {"a", "ab", "ab=c", "****", "=abc"}) EXPECT_FALSE(decode_base64(bad, decoded)) << bad;
}

}  // namespace
}  // namespace limbeck::text
