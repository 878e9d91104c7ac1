#include "recipes/cells.h"

#include <gtest/gtest.h>

namespace limbeck::recipes {
namespace {

TEST(Cells, StandInColumnsOnATerminal) {
  EXPECT_EQ(cells_text({{"arm", "pairs", "x"}, {"long name", "3", "1.5"}}),
            "arm        pairs    x\nlong name      3  1.5\n");
}

TEST(Cells, AreARuledTableInMarkdown) {
  EXPECT_EQ(cells_markdown({{"arm", "pairs", "x"}, {"a", "3", "1"}}),
            "| arm | pairs | x |\n|---|---:|---:|\n| a | 3 | 1 |\n");
}

}  // namespace
}  // namespace limbeck::recipes
