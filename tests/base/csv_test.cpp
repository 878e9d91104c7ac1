#include "base/csv.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/message_of.h"

namespace limbeck {
namespace {

using Records = std::vector<std::pair<int64_t, std::vector<std::string>>>;

Records records_of(const std::string& text, char separator = ',') {
  Records records;
  read_csv(text, separator, "x.csv", [&](auto& cells, int64_t line) { records.emplace_back(line, cells); });
  return records;
}

std::string error_in(const std::string& text) {
  return message_of<UserError>([&] { records_of(text); });
}

TEST(Csv, ReadsQuotedFieldsWithSeparatorsQuotesAndLineEndsInThem) {
  EXPECT_EQ(records_of("a,\"b,\"\"c\"\"\nd\",e\r\nf,,\n"),
            (Records{{1, {"a", "b,\"c\"\nd", "e"}}, {3, {"f", "", ""}}}));
}

TEST(Csv, NeedsNoLastLineEndAndPassesOverBlankLinesAndAMark) {
  EXPECT_EQ(records_of("\xef\xbb\xbf"
                       "a,b\n\n\r\n1,2"),
            (Records{{1, {"a", "b"}}, {4, {"1", "2"}}}));
  EXPECT_EQ(records_of(""), Records{});
  EXPECT_EQ(records_of("a,"), (Records{{1, {"a", ""}}}));
  EXPECT_EQ(records_of("\"\""), Records{});  // one empty cell
}

TEST(Csv, TakesAnotherSeparator) {
  EXPECT_EQ(records_of("a,b\tc\n", '\t'), (Records{{1, {"a,b", "c"}}}));
}

TEST(Csv, ACarriageReturnWithinALineIsText) {
  EXPECT_EQ(records_of("a\rb,c\n"), (Records{{1, {"a\rb", "c"}}}));
}

TEST(Csv, NamesTheLineOfAMistake) {
  EXPECT_NE(error_in("a\n\"b\nc\n").find("[x.csv:2] expected a closing quote"), std::string::npos)
      << error_in("a\n\"b\nc\n");
  EXPECT_NE(error_in("a\n\"b\"c\n").find("[x.csv:2] expected a separator"), std::string::npos);
  EXPECT_NE(error_in("a\nb\"c\"\n").find("[x.csv:2] expected a field in quotes"), std::string::npos);
}

}  // namespace
}  // namespace limbeck
