#include "data/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CorpusFiles : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& bytes) {
    write_file_atomically(folder_ / name, bytes);
    return (folder_ / name).string();
  }
  TemporaryFolder folder_;
};

TEST_F(CorpusFiles, GiveTheirLinesThatAreNotBlank) {
  const auto corpus = read_corpus({file("a.txt", "one\r\n\n \t\ntwo"), file("b.txt", "three\n")});
  EXPECT_THAT(corpus.texts, ElementsAre("one", "two", "three"));
  EXPECT_EQ(corpus.num_bytes, 11);
}

TEST_F(CorpusFiles, GiveAFieldOfTheirRows) {
  const auto jsonl = file("a.jsonl", "{\"text\": \"one\\nmore\"}\n{\"text\": \"\"}\n");
  const auto csv = file("b.csv", "label,sentence\n1,two\n");
  EXPECT_THAT(read_corpus({jsonl}).texts, ElementsAre("one\nmore"));
  EXPECT_THAT(read_corpus({csv}, "sentence").texts, ElementsAre("two"));
  EXPECT_THAT(message_of<UserError>([&] {
                read_corpus({jsonl, csv});
              }),
              HasSubstr("b.csv:2] expected a text in the field 'text' but received none"));
}

TEST_F(CorpusFiles, NameEveryPlaceOfInvalidUtf8) {
  const auto bad = file("a.txt", "good\nba\xFFx\nb\xC3\n");
  const auto message = message_of<UserErrors>([&] { read_corpus({bad}); });
  EXPECT_THAT(message, HasSubstr("a.txt:2] expected UTF-8 but received the byte 0xff after 2 bytes"));
  EXPECT_THAT(message, HasSubstr("a.txt:3]"));
  const auto corpus = read_corpus({bad}, "text", InvalidUtf8::kReplace);
  EXPECT_THAT(corpus.texts, ElementsAre("good", "ba\uFFFDx", "b\uFFFD"));
  EXPECT_EQ(corpus.num_replaced, 2);
}

TEST_F(CorpusFiles, WithoutATextAreRefused) {
  EXPECT_THAT(message_of<UserError>([&] { read_corpus({file("a.txt", "\n \n")}); }),
              HasSubstr("expected at least one text"));
  EXPECT_THROW(read_corpus({}), UserError);
}

TEST_F(CorpusFiles, KeepTheirTextsWhenTheCorpusMoves) {
  auto corpus = read_corpus({file("a.txt", "short\nother"), file("b.jsonl", "{\"text\": \"x\"}\n")});
  const Corpus moved = std::move(corpus);
  EXPECT_THAT(moved.texts, ElementsAre("short", "other", "x"));
}

}  // namespace
}  // namespace limbeck::data
