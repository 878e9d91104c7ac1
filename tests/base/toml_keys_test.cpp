#include "base/toml_keys.h"

#include <gtest/gtest.h>

#include <string>

namespace limbeck {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(LineOfEndlessKey, FindsTheKeyHoweverItsPartsAreQuoted) {
  for (const char* part : {".a", " . a", ".\"]\"", ".','", ".\"=\"", ".'['", ".\"#\"", ".\"\"", ".\"\\\"\"", ".'\\'"}) {
    const std::string key = "a" + repeated(part, kMaxKeyParts);
    EXPECT_EQ(line_of_endless_key("x = 1\n\n" + key + " = 1"), 3) << part;
    EXPECT_EQ(line_of_endless_key("[" + key + "]"), 1) << part;
    EXPECT_EQ(line_of_endless_key("x = [{" + key + " = 1}]"), 1) << part;
    EXPECT_EQ(line_of_endless_key("a" + repeated(part, kMaxKeyParts - 1) + " = 1"), 0) << part;
  }
}

TEST(LineOfEndlessKey, CountsNoDotsOfValuesAndComments) {
  const std::string dots(100, '.');
  for (const std::string& toml :
       {"x = '" + dots + "'", "x = \"\\\"" + dots + "\" # " + dots, "x = '''a'\n" + dots + "'''", "# " + dots,
        "x = \"\"\"a\n\"" + dots + "\"\"\"\"\"\ny = 1", "x = [" + repeated("0.5, ", 100) + "]",
        repeated("a.b = 1\n", 100)})
    EXPECT_EQ(line_of_endless_key(toml), 0) << toml;
  EXPECT_EQ(line_of_endless_key("x = \"\"\"\"\"\"\ny = '''''''\n" + dots), 3) << "behind texts of quotes";
}

}  // namespace
}  // namespace limbeck
