#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "golden.h"
#include "text/tokenizer_json.h"
#include "tiny_vocabulary.h"

namespace limbeck::text {
namespace {

class FolderTest : public ::testing::Test {
 protected:
  FolderTest() {
    TokenizerSpec spec = tiny_spec();
    spec.added = {{.id = 263, .content = "<s>", .special = true}, {.id = 264, .content = "<e>", .special = true}};
    save_tokenizer(spec, folder_.path());
  }
  void write(const char* name, const char* text) {
    write_file_atomically(folder_.path() / name, std::string_view(text));
  }
  std::string refusal() {
    try {
      read_tokenizer(folder_.path());
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  TemporaryFolder folder_;
};

TEST_F(FolderTest, ReadsSpecialTokensAsTextOrAsObjects) {
  write("tokenizer_config.json",
        R"({"bos_token": "<s>", "eos_token": {"content": "<e>", "lstrip": false}, "pad_token": null})");
  const TokenizerSpec spec = read_tokenizer(folder_.path());
  EXPECT_EQ(spec.bos, 263);
  EXPECT_EQ(spec.eos, 264);
  EXPECT_EQ(spec.pad, std::nullopt);
}

TEST_F(FolderTest, TheSpecialTokensMapFillsWhatTheConfigLeavesOpen) {
  write("tokenizer_config.json", R"({"eos_token": "<e>"})");
  write("special_tokens_map.json", R"({"eos_token": "<s>", "pad_token": "<s>"})");
  const TokenizerSpec spec = read_tokenizer(folder_.path());
  EXPECT_EQ(spec.eos, 264);
  EXPECT_EQ(spec.pad, 263);
}

TEST_F(FolderTest, TheChatTemplateStandsInTheConfigOrInAFileOfItsOwn) {
  write("tokenizer_config.json", R"({"chat_template": "one"})");
  EXPECT_EQ(read_tokenizer(folder_.path()).chat_template, "one");
  write("tokenizer_config.json",
        R"({"chat_template": [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "two"}]})");
  EXPECT_EQ(read_tokenizer(folder_.path()).chat_template, "two");
  write("chat_template.jinja", "three");
  EXPECT_EQ(read_tokenizer(folder_.path()).chat_template, "three");
}

TEST_F(FolderTest, RefusesConfigsOfOtherShapes) {
  write("tokenizer_config.json", "[]");
  EXPECT_NE(refusal().find("expected a JSON object"), std::string::npos);
  write("tokenizer_config.json", R"({"bos_token": 3})");
  EXPECT_NE(refusal().find("'bos_token': expected a token's text but received 3"), std::string::npos);
  write("tokenizer_config.json", R"({"chat_template": 3})");
  EXPECT_NE(refusal().find("'chat_template': expected a string"), std::string::npos);
}

TEST(ReadTokenizer, TakesTheOlderFilesWhereThereIsNoTokenizerJson) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\n");
  EXPECT_EQ(Tokenizer::from_folder(folder.path())->encode("A"), (std::vector<int32_t>{1, 3, 2}));
  write_file_atomically(folder.path() / "vocab.json", R"({"a": 0, "b": 1, "ab": 2})");
  write_file_atomically(folder.path() / "merges.txt", "a b\n");
  EXPECT_EQ(Tokenizer::from_folder(folder.path())->encode("ab"), (std::vector<int32_t>{2}));
  write_file_atomically(folder.path() / "tokenizer_config.json",
                        R"({"added_tokens_decoder": {"3": {"content": "<x>", "special": true}}, "eos_token": "<x>"})");
  EXPECT_EQ(Tokenizer::from_folder(folder.path())->encode("ab<x>"), (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(Tokenizer::from_folder(folder.path())->spec().eos, 3);
  write_file_atomically(folder.path() / "tokenizer.model",
                        read_file(golden::folder() / "families/spm/tokenizer.model"));
  write_file_atomically(folder.path() / "tokenizer_config.json", R"({"add_bos_token": false, "legacy": true})");
  EXPECT_EQ(Tokenizer::from_folder(folder.path())->vocab_size(), 1300);
  EXPECT_FALSE(Tokenizer::from_folder(folder.path())->spec().add_bos);
}

TEST(ReadTokenizer, SaysThatTheFileIsMissing) {
  const TemporaryFolder folder;
  EXPECT_THROW(read_tokenizer(folder.path()), UserError);
}

}  // namespace
}  // namespace limbeck::text
