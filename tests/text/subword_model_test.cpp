#include "text/subword_model.h"

#include <gtest/gtest.h>

namespace limbeck::text {
namespace {

TEST(ByteFallback, TokensAreNamedByTwoCapitalDigits) {
  ByteTrie vocabulary;
  vocabulary.put("<0x0A>", 7);
  vocabulary.put("<0xff>", 8);
  const auto ids = byte_fallback_ids(vocabulary);
  EXPECT_EQ(ids[10], 7);
  EXPECT_EQ(ids[255], -1);
}

}  // namespace
}  // namespace limbeck::text
