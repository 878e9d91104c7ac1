#include "objectives/combine.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"

namespace limbeck::objectives {
namespace {

Term term(double sum, double count) {
  return {.name = "part", .sum = at::scalar_tensor(sum), .count = count};
}

TEST(AddUp, AddsMeansOfOneCount) {
  const Term whole = add_up("hidden", {term(2, 4), term(6, 4)}, 0.5);
  EXPECT_EQ(whole.name, "hidden");
  EXPECT_EQ(whole.sum.item<double>() / whole.count, 2);
  EXPECT_EQ(whole.weight, 0.5);
}

TEST(AddUp, RefusesPartsThatCountOtherThings) {
  EXPECT_NE(message_of([] { add_up("hidden", {term(1, 4), term(1, 5)}); }).find("count 4"), std::string::npos);
  EXPECT_NE(message_of([] { add_up("hidden", {}); }).find("at least one"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::objectives
