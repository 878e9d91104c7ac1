#include <gtest/gtest.h>

#include "base/fields.h"

namespace limbeck {
namespace {

const std::vector<std::string> kKnown = {"teacher", "temperature", "train.epochs", "train.batch_size", "seed"};

TEST(NearestName, ForgivesATypingMistake) {
  EXPECT_EQ(nearest_name("techer", kKnown), "teacher");
  EXPECT_EQ(nearest_name("tempreature", kKnown), "temperature");
  EXPECT_EQ(nearest_name("train.epoch", kKnown), "train.epochs");
  EXPECT_EQ(nearest_name("sede", kKnown), "seed");
}

TEST(NearestName, FindsTheRightNameInAnotherGroup) {
  EXPECT_EQ(nearest_name("epochs", kKnown), "train.epochs");
  EXPECT_EQ(nearest_name("student.batch_size", kKnown), "train.batch_size");
}

TEST(NearestName, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(nearest_name("quantisation", kKnown), "");
  EXPECT_EQ(nearest_name("", kKnown), "");
  EXPECT_EQ(nearest_name("x", kKnown), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'x'), kKnown), "");
}

}  // namespace
}  // namespace limbeck
