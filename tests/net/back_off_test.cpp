#include "net/back_off.h"

#include <gtest/gtest.h>

namespace limbeck::net {
namespace {

TEST(BackOff, DoublesUpToTheLongestWithAFactorFromAHalfToOne) {
  const BackOff options{.first = 0.5, .longest = 3};
  EXPECT_EQ(back_off_seconds(options, 1, 1), 0.5);
  EXPECT_EQ(back_off_seconds(options, 2, 1), 1);
  EXPECT_EQ(back_off_seconds(options, 3, 1), 2);
  EXPECT_EQ(back_off_seconds(options, 4, 1), 3);
  EXPECT_EQ(back_off_seconds(options, 1000, 1), 3);
  EXPECT_EQ(back_off_seconds(options, 2, 0), 0.5);
  EXPECT_EQ(back_off_seconds(options, 2, 0.5), 0.75);
}

}  // namespace
}  // namespace limbeck::net
