#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/program.h"
#include "text/tokenizer.h"

namespace limbeck {
namespace {

using ::testing::HasSubstr;

class TrainTokenizer : public testing::Test {
 protected:
  Outcome train(const std::string& text, const std::vector<std::string>& more = {}) const {
    write_file_atomically(folder_ / "texts.txt", text);
    std::vector<std::string> args = {"train-tokenizer", "--input=" + (folder_ / "texts.txt").string(),
                                     "--out=" + (folder_ / "tokenizer").string(), "--min-frequency=1"};
    args.insert(args.end(), more.begin(), more.end());
    return run_program(args);
  }
  TemporaryFolder folder_;
};

TEST_F(TrainTokenizer, WritesAFolderThatIsRead) {
  const auto outcome = train("the cat sat\nthe mat\n");
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("2 texts, 5 words, 4 of them distinct"));
  EXPECT_THAT(outcome.out, HasSubstr("fewer than the 30000 asked for"));
  const auto tokenizer = text::Tokenizer::from_folder(folder_ / "tokenizer");
  EXPECT_EQ(tokenizer->encode("the mat").size(), 4u);
  EXPECT_EQ(run_program({"tokenize", "--model=" + (folder_ / "tokenizer").string(),
                         "--input=" + (folder_ / "texts.txt").string(), "--out=" + (folder_ / "ids.jsonl").string()})
                .code,
            0);
}

TEST_F(TrainTokenizer, TellsOfEveryMistakeBeforeAnyWork) {
  const auto outcome = run_program({"train-tokenizer", "--input=/not/there.txt"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("expected a file but found none at /not/there.txt"));
  EXPECT_THAT(outcome.error, HasSubstr("[out] expected --out=DIR"));
}

TEST_F(TrainTokenizer, RefusesBadTexts) {
  const auto invalid = train(
      "good\nb\xFF"
      "d\n");
  EXPECT_EQ(invalid.code, 2);
  EXPECT_THAT(invalid.error, HasSubstr("texts.txt:2] expected UTF-8 but received the byte 0xff"));
  EXPECT_EQ(train("\n\n").code, 2);
  const auto small = train("some letters\n", {"--vocab-size=9"});
  EXPECT_EQ(small.code, 2);
  EXPECT_THAT(small.error, HasSubstr("[vocab_size] expected at least"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "tokenizer"));
}

TEST_F(TrainTokenizer, LosesNothingThatStandsInItsPlace) {
  std::filesystem::create_directory(folder_ / "tokenizer");
  write_file_atomically(folder_ / "tokenizer" / "notes", "mine");
  const auto outcome = train("some text\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(read_file(folder_ / "tokenizer" / "notes"), "mine");
}

}  // namespace
}  // namespace limbeck
