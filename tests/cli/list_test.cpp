#include <gtest/gtest.h>

#include "cli/program.h"
#include "recipes/catalog.h"

namespace limbeck {
namespace {

TEST(List, NamesEveryMethodWithItsPaper) {
  const auto outcome = run_program({"list"});
  EXPECT_EQ(outcome.code, 0);
  ASSERT_FALSE(recipes::methods().empty());
  for (const auto& method : recipes::methods()) {
    EXPECT_NE(outcome.out.find(method.name), std::string::npos);
    EXPECT_NE(outcome.out.find(method.paper), std::string::npos);
  }
}

TEST(List, GivesBareNamesToScripts) {
  std::string names;
  for (const auto& method : recipes::methods()) names += method.name + "\n";
  EXPECT_EQ(run_program({"list", "--names"}).out, names);
}

}  // namespace
}  // namespace limbeck
