#include "recipes/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/message_of.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

TEST(Catalog, NamesAreUniqueAndEveryRowSaysWhatItIs) {
  std::set<std::string> names;
  for (const auto& method : methods()) {
    EXPECT_TRUE(names.insert(method.name).second) << method.name;
    EXPECT_FALSE(method.paper.empty() || method.title.empty() || method.summary.empty()) << method.name;
  }
  EXPECT_TRUE(names.contains("ekt"));
}

TEST(Catalog, AJobsOptionsAreItsOwn) {
  const auto& ekt = method_named("ekt");
  const auto a = ekt.make(), b = ekt.make();
  const std::string before = to_toml(b->fields());
  EXPECT_NE(before.find("k = 100"), std::string::npos);
  const Fields fields = a->fields();
  for (const auto& field : fields.list())
    if (field.name == "k") *std::get<int64_t*>(field.target) = 7;
  EXPECT_NE(to_toml(a->fields()).find("k = 7"), std::string::npos);
  EXPECT_EQ(to_toml(b->fields()), before);
}

TEST(Catalog, AnUnknownNameIsAnsweredWithTheNearestOne) {
  EXPECT_THAT(message_of<UserError>([] { method_named("etk"); }), HasSubstr("did you mean 'ekt'?"));
}

}  // namespace
}  // namespace limbeck::recipes
