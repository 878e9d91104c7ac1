#include "formats/word_vectors.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WordVectorFile : public ::testing::Test {
 protected:
  WordVectors read(const std::string& text, int64_t most = 100) {
    write_file_atomically(folder_ / "v.txt", text);
    return read_word_vectors(folder_ / "v.txt", most);
  }
  std::string refusal(const std::string& text) {
    return message_of<UserError>([&] { read(text); });
  }
  TemporaryFolder folder_;
};

TEST_F(WordVectorFile, IsReadAsGloveWritesIt) {
  const auto v = read("the 1 -2.5e-1\ncat 0.5 3\n");
  EXPECT_THAT(v.words, ElementsAre("the", "cat"));
  EXPECT_TRUE(at::equal(v.vectors, at::tensor({1.0F, -0.25F, 0.5F, 3.0F}).reshape({2, 2})));
}

TEST_F(WordVectorFile, MayBeginWithItsSizeAsWord2vecHasIt) {
  EXPECT_THAT(read("2 2\nthe 1 2 \r\ncat 3 4").words, ElementsAre("the", "cat"));
}

TEST_F(WordVectorFile, GivesItsFirstWordsOnly) {
  EXPECT_THAT(read("a 1\nb 2\nc broken\n", 2).words, ElementsAre("a", "b"));
}

TEST_F(WordVectorFile, PassesOverAWordThatComesAgain) {
  const auto v = read("a 1\na 2\nb 3\n");
  EXPECT_THAT(v.words, ElementsAre("a", "b"));
  EXPECT_TRUE(at::equal(v.vectors.flatten(), at::tensor({1.0F, 3.0F})));
}

TEST_F(WordVectorFile, IsRefusedWithItsLineWhenItIsBroken) {
  EXPECT_THAT(refusal("a 1 2\nb 1\n"), HasSubstr("v.txt:2] expected 2 numbers after the word 'b' but received 1"));
  EXPECT_THAT(refusal("a 1 x2\n"), HasSubstr("v.txt:1] expected a word and finite numbers but received 'x2'"));
  EXPECT_THAT(refusal("a nan\n"), HasSubstr("finite"));
  EXPECT_THAT(refusal("a 1e99\n"), HasSubstr("finite"));
  EXPECT_THAT(refusal("lonely\n"), HasSubstr("1 or more numbers"));
  EXPECT_THAT(refusal("\n"), HasSubstr("expected words with vectors"));
}

TEST(NearestRows, AreThoseOfTheLargestCosine) {
  const at::Tensor table = at::tensor({1.0F, 0.0F, 0.0F, 9.0F, -1.0F, 0.1F, 5.0F, 5.1F}).reshape({4, 2});
  const at::Tensor query = at::tensor({2.0F, 1.9F, 0.0F, 1.0F}).reshape({2, 2});
  const at::Tensor all = at::ones({4}, at::kBool);
  EXPECT_TRUE(at::equal(nearest_rows(table, query, all, 2), at::tensor({3, 0, 1, 3}, at::kLong).reshape({2, 2})));
  at::Tensor some = all.clone();
  some[3].fill_(false);
  EXPECT_TRUE(at::equal(nearest_rows(table, query, some, 1), at::tensor({0, 1}, at::kLong).reshape({2, 1})));
  EXPECT_THROW(nearest_rows(table, query, some, 4), Error);
}

TEST(NearestRows, DoNotDependOnHowManyAreAskedForAtOnce) {
  at::manual_seed(1);
  const at::Tensor table = at::randn({50, 8}), queries = at::randn({600, 8}), all = at::ones({50}, at::kBool);
  const at::Tensor together = nearest_rows(table, queries, all, 5);
  for (const int64_t i : {0, 255, 256, 599})
    EXPECT_TRUE(at::equal(nearest_rows(table, queries.narrow(0, i, 1), all, 5)[0], together[i]));
}

}  // namespace
}  // namespace limbeck::formats
