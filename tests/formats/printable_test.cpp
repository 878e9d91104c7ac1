#include "formats/printable.h"

#include <gtest/gtest.h>

namespace limbeck::formats {
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

}  // namespace
}  // namespace limbeck::formats
