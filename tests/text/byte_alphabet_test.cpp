#include "text/byte_alphabet.h"

#include <gtest/gtest.h>

namespace limbeck::text {
namespace {

TEST(ByteAlphabet, SpellsASpaceAndALineBreakAsGpt2Does) {
  EXPECT_EQ(bytes_to_alphabet(" a\n"), "ĠaĊ");
}

TEST(ByteAlphabet, EveryByteComesBack) {
  std::string bytes;
  for (int b = 0; b < 256; ++b) bytes += char(b);
  EXPECT_EQ(alphabet_to_bytes(bytes_to_alphabet(bytes)), bytes);
}

TEST(ByteAlphabet, RefusesCharactersOutsideIt) {
  EXPECT_EQ(alphabet_to_bytes("a b"), std::nullopt);  // a space is spelled Ġ
  EXPECT_EQ(alphabet_to_bytes("字"), std::nullopt);
  EXPECT_EQ(alphabet_to_bytes("\u0144"), std::nullopt);  // one past the last
}

}  // namespace
}  // namespace limbeck::text
