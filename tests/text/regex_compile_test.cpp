#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/seeds.h"
#include "text/regex.h"

namespace limbeck::text {
namespace {

std::string regex_refusal(const std::string& pattern) {
  try {
    compile_regex(pattern, "tokenizer.json");
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(CompileRegex, SaysWhereAndWhatItDoesNotKnow) {
  EXPECT_EQ(regex_refusal("ab\\w"),
            "[tokenizer.json] the regular expression 'ab\\w', byte 4: this escape is not supported");
  EXPECT_NE(regex_refusal("(?<=a)b").find("this kind of group"), std::string::npos);
  EXPECT_NE(regex_refusal("a+?").find("a lazy repeat"), std::string::npos);
  EXPECT_NE(regex_refusal("^a").find("'^' here"), std::string::npos);
  EXPECT_NE(regex_refusal("\\p{Han}").find("\\p{Han}"), std::string::npos);
  EXPECT_NE(regex_refusal("[a[b]]").find("a class in a class"), std::string::npos);
}

TEST(CompileRegex, RefusesWhatIsUnfinished) {
  for (const char* pattern : {"(a", "a)", "[a", "a{2", "a{3,2}", "\\", "\\p{L", "[z-a]", "a{x}", "*", "(?i:[a])"})
    EXPECT_NE(regex_refusal(pattern), "no error") << pattern;
}

TEST(CompileRegex, RefusesWhatCanMatchNothing) {
  for (const char* pattern : {"", "a*", "a|", "(?=a)", "(?:a?)+"})
    EXPECT_NE(regex_refusal(pattern), "no error") << pattern;
}

TEST(CompileRegex, RefusesWhatWouldBeHuge) {
  EXPECT_NE(regex_refusal("(?:(?:(?:ab){999}){999}){999}").find("too large"), std::string::npos);
  EXPECT_NE(regex_refusal("a{100000}").find("so many repeats"), std::string::npos);
  EXPECT_NE(regex_refusal(std::string(100, '(') + "a" + std::string(100, ')')).find("so deep a group"),
            std::string::npos);
}

TEST(CompileRegex, AnyTextIsCompiledOrRefused) {
  Random random{Seed(11)};
  const std::string_view alphabet = "ab()[]{}?*+|\\^$.-,:=!>ipLNs0123é";
  for (int round = 0; round < 3000; ++round) {
    std::string pattern;
    for (auto left = random.below(14); left > 0; --left) pattern += alphabet[random.below(alphabet.size())];
    regex_refusal(pattern);
  }
}

}  // namespace
}  // namespace limbeck::text
