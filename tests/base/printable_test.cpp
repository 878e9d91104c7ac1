#include "base/printable.h"

#include <gtest/gtest.h>

namespace limbeck {
namespace {

TEST(Printable, LeavesPlainNamesAlone) {
  EXPECT_EQ(printable("model.layers.0.weight"), "model.layers.0.weight");
}

TEST(Printable, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[2J\n\xff"), "a\\x1b[2J\\x0a\\xff");
}

TEST(Printable, CutsLongNamesAndSaysHowLongTheyWere) {
  EXPECT_EQ(printable(std::string(1000, 'x'), 3), "xxx... (1000 bytes)");
}

TEST(PrintableValue, IsShortWhateverTheValueHolds) {
  EXPECT_EQ(printable_value("a\xff\x1b"), "\"a\\xff\\x1b\"");
  EXPECT_EQ(printable_value(12), "12");
  EXPECT_EQ(printable_value(nullptr), "null");
  EXPECT_EQ(printable_value(Json::array({"\xff", 2})), "a list of 2");
  EXPECT_EQ(printable_value({{"\xff", 1}}), "an object of 1");
}

}  // namespace
}  // namespace limbeck
