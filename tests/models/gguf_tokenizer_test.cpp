#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/fake_gguf.h"
#include "models/gguf_model.h"

namespace limbeck::models {
namespace {

FakeGguf with_tokenizer() {
  FakeGguf file = small_gguf();
  file.json["tokenizer.ggml.model"] = "gpt2";
  file.json["tokenizer.ggml.pre"] = "smollm";
  file.json["tokenizer.ggml.token_type"] = {3, 3, 3, 1, 1, 1, 4};
  file.json["tokenizer.ggml.add_bos_token"] = true;
  file.json["tokenizer.chat_template"] = "{{ messages }}";
  file.arrays["tokenizer.ggml.tokens"] = {"<pad>", "<s>", "</s>", "a", "b", "ab", "<mark>"};
  file.arrays["tokenizer.ggml.merges"] = {"a b"};
  return file;
}

TEST(GgufTokenizer, HoldsTokensMergesAndSpecialIds) {
  const text::TokenizerSpec spec = tokenizer_spec_of_gguf(with_tokenizer());
  EXPECT_EQ(spec.tokens.size(), 7u);
  EXPECT_EQ(spec.merges, (std::vector<std::pair<std::string, std::string>>{{"a", "b"}}));
  EXPECT_EQ(spec.pre_tokenizer, text::PreTokenizer::kSmolLm);
  EXPECT_EQ(spec.bos, 1);
  EXPECT_EQ(spec.eos, 2);
  EXPECT_TRUE(spec.add_bos);
  EXPECT_EQ(spec.chat_template, "{{ messages }}");
  ASSERT_EQ(spec.added.size(), 4u);
  EXPECT_TRUE(spec.added[0].special);
  EXPECT_EQ(spec.added[3].content, "<mark>");
  EXPECT_FALSE(spec.added[3].special);
}

TEST(GgufTokenizer, ReadsTheScoresOfASentencePieceVocabulary) {
  FakeGguf file = with_tokenizer();
  file.json["tokenizer.ggml.model"] = "llama";
  file.json["tokenizer.ggml.token_type"] = {2, 3, 3, 1, 1, 1, 4};
  file.json["tokenizer.ggml.scores"] = {0.0, 0.0, 0.0, -2.0, -3.0, -1.0, 0.0};
  file.arrays.erase("tokenizer.ggml.merges");
  const text::TokenizerSpec spec = tokenizer_spec_of_gguf(file);
  ASSERT_TRUE(spec.pipeline);
  EXPECT_EQ(spec.pipeline->unknown, 0);
  EXPECT_EQ(spec.merges, (std::vector<std::pair<std::string, std::string>>{{"a", "b"}}));
  EXPECT_TRUE(spec.add_bos);
  file.json["tokenizer.ggml.scores"] = {0.0};
  EXPECT_NE(message_of([&] { tokenizer_spec_of_gguf(file); }).find("tokenizer.ggml.scores"), std::string::npos);
}

TEST(GgufTokenizer, NamesTheKeyThatIsWrong) {
  FakeGguf file = with_tokenizer();
  file.arrays.erase("tokenizer.ggml.merges");
  EXPECT_NE(message_of([&] { tokenizer_spec_of_gguf(file); }).find("tokenizer.ggml.merges"), std::string::npos);
  file = with_tokenizer();
  file.json["tokenizer.ggml.eos_token_id"] = "two";
  EXPECT_NE(message_of([&] { tokenizer_spec_of_gguf(file); }).find("tokenizer.ggml.eos_token_id"), std::string::npos);
  file = with_tokenizer();
  file.json["tokenizer.ggml.token_type"] = {3, "x"};
  EXPECT_NE(message_of([&] { tokenizer_spec_of_gguf(file); }).find("tokenizer.ggml.token_type"), std::string::npos);
  file = with_tokenizer();
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.model", "tokenizer.ggml.pre"}) {
    file = with_tokenizer();
    file.json[key] = "\xff\x1b" + std::string(100000, 'x');
    const std::string said = message_of([&] { tokenizer_spec_of_gguf(file); });
    EXPECT_TRUE(said.starts_with(fmt::format("[fake.gguf] {}: expected ", key))) << said.substr(0, 1000);
    EXPECT_NE(said.find("\\xff\\x1bxxx"), std::string::npos) << said.substr(0, 1000);
    EXPECT_LT(said.size(), 1000u);
  }
  file = with_tokenizer();
  file.json["tokenizer.ggml.token_type"] = {3, "\xff"};
  EXPECT_NE(message_of([&] { tokenizer_spec_of_gguf(file); }).find("tokenizer.ggml.token_type: expected integers but"),
            std::string::npos);
  file = with_tokenizer();
  file.json["tokenizer.ggml.model"] = "rwkv";
  EXPECT_NE(message_of([&] { tokenizer_spec_of_gguf(file); }).find("tokenizer.ggml.model"), std::string::npos);
  file.json["tokenizer.ggml.model"] = "llama";  // SentencePiece, whose tokens have scores
  EXPECT_NE(message_of([&] { tokenizer_spec_of_gguf(file); }).find("tokenizer.ggml.scores"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::models
