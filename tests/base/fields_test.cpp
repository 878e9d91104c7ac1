#include "base/fields.h"

#include <gtest/gtest.h>

#include <cmath>

namespace limbeck {
namespace {

TEST(Range, ContainsItsEndsUnlessOpen) {
  EXPECT_FALSE(above(0).contains(0));
  EXPECT_TRUE(above(0).contains(1e-300));
  EXPECT_TRUE(at_least(0).contains(0));
  EXPECT_TRUE(within(0, 1).contains(1));
  EXPECT_FALSE(within(0, 1).contains(1.0000001));
  EXPECT_FALSE(Range{}.contains(std::nan("")));
  EXPECT_FALSE((Range{.low = 0, .high = 1, .high_open = true}).contains(1));
}

TEST(Range, ReadsAsText) {
  EXPECT_EQ(above(0).text(), "> 0");
  EXPECT_EQ(at_least(2).text(), "≥ 2");
  EXPECT_EQ(within(0, 1).text(), "0 to 1");
  EXPECT_EQ((Range{.low = 0, .high = 1, .low_open = true}).text(), "> 0 and ≤ 1");
  EXPECT_EQ((Range{.high = 4}).text(), "≤ 4");
  EXPECT_EQ(Range{}.text(), "");
}

struct Inner {
  double rate = 0.5;
  void describe(Fields& f) { f("rate", rate, "how fast"); }
};
struct Outer {
  int64_t count = 1;
  Inner left, right;
  void describe(Fields& f) {
    f.group("left", left);
    f("count", count, "how many", at_least(1));
    f.group("right", right);
  }
};

TEST(Fields, ListsWhatAStructDeclaresWithItsGroups) {
  Outer options;
  const Fields fields = fields_of(options);
  std::vector<std::string> names;
  for (const Field& field : fields.list()) names.push_back(field.name);
  EXPECT_EQ(names, (std::vector<std::string>{"left.rate", "count", "right.rate"}));
  *std::get<double*>(fields.list()[2].target) = 7;
  EXPECT_EQ(options.right.rate, 7);
  EXPECT_EQ(fields.list()[1].help, "how many");
  EXPECT_FALSE(fields.list()[1].range.contains(0));
}

TEST(Fields, RefuseANameDeclaredTwice) {
  int64_t a = 0, b = 0;
  Fields fields;
  fields("same", a, "");
  EXPECT_THROW(fields("same", b, ""), std::logic_error);
}

enum class Color { kRed = 5, kBlue = 9 };

TEST(Fields, MapAChoiceToItsEnumerator) {
  Color color = Color::kBlue;
  Fields fields;
  fields("color", color, "", {{"red", Color::kRed}, {"blue", Color::kBlue}});
  const auto& choice = std::get<Choice>(fields.list()[0].target);
  EXPECT_EQ(choice.get(), 1u);
  choice.set(0);
  EXPECT_EQ(color, Color::kRed);
}

}  // namespace
}  // namespace limbeck
