#include "recipes/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recipes/well_formed.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Html, EscapesEverythingThatMeansSomethingToABrowser) {
  EXPECT_EQ(escape_html("<a b='c' d=\"e\">&amp;"), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;amp;");
  EXPECT_EQ(escape_html("zwölf\n\t→"), "zwölf\n\t→");
}

TEST(Html, BytesThatAreNotUtf8AndControlCharactersAreReplaced) {
  EXPECT_EQ(escape_html("a\xff"
                        "b\x01"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd");
  EXPECT_EQ(escape_html("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd") << "overlong";
  EXPECT_EQ(escape_html("\xed\xa0\x80").find('\xed'), std::string::npos) << "a surrogate";
  EXPECT_EQ(escape_html("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd") << "cut off";
}

TEST(Html, APageIsWellFormedAndForbidsLoadingAnything) {
  const std::string page =
      html_page("<t>", html_section("a < b", "why & how", html_folded("more", "</pre><script>1</script>")));
  EXPECT_EQ(fault_of_html(page), "");
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("width=device-width"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(WellFormed, TheReaderOfTheseTestsFindsFaults) {
  EXPECT_NE(fault_of_html("<p><b>x</p></b>"), "");
  EXPECT_NE(fault_of_html("<p>a < b</p>"), "");
  EXPECT_NE(fault_of_html("<script>1</script>"), "");
  EXPECT_NE(fault_of_html("<p onclick=\"1\">x</p>"), "");
  EXPECT_NE(fault_of_html("<p>x"), "");
  EXPECT_EQ(fault_of_html("<p class=\"a\">x<br>y</p>"), "");
}

}  // namespace
}  // namespace limbeck::recipes
