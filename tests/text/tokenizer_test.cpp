#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/errors.h"
#include "base/seeds.h"
#include "golden.h"
#include "text/unicode.h"
#include "tiny_vocabulary.h"

namespace limbeck::text {
namespace {

using Ids = std::vector<int32_t>;

std::string refusal_of_spec(TokenizerSpec spec) {
  try {
    Tokenizer::from_spec(std::move(spec));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}
void expect_spec_refused(TokenizerSpec spec, const std::string& part) {
  const std::string message = refusal_of_spec(std::move(spec));
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Tokenizer, EncodesByMergesAndDecodesToTheSameText) {
  const auto tokenizer = Tokenizer::from_spec(tiny_spec());
  EXPECT_EQ(tokenizer->encode("hello world"), (Ids{259, 262, 'l', 'd'}));
  EXPECT_EQ(tokenizer->decode(Ids{259, 262, 'l', 'd'}), "hello world");
  EXPECT_EQ(tokenizer->vocab_size(), 263);
  EXPECT_EQ(tokenizer->encode(""), Ids{});
}

TEST(Tokenizer, PutsBosAndEosAroundATextButNotIntoARenderedOrOrdinaryOne) {
  TokenizerSpec spec = tiny_spec();
  spec.added = {{.id = 263, .content = "<s>", .special = true}, {.id = 264, .content = "</s>", .special = true}};
  spec.bos = 263, spec.eos = 264, spec.add_bos = spec.add_eos = true;
  const auto tokenizer = Tokenizer::from_spec(spec);
  EXPECT_EQ(tokenizer->encode("h<s>"), (Ids{263, 'h', 263, 264}));
  EXPECT_EQ(tokenizer->encode_rendered("h<s>"), (Ids{'h', 263}));
  EXPECT_EQ(tokenizer->encode_ordinary("h<s>"), (Ids{'h', '<', 's', '>'}));
  EXPECT_TRUE(tokenizer->is_special(263));
  EXPECT_FALSE(tokenizer->is_special('h'));
  EXPECT_EQ(tokenizer->decode(Ids{263, 'h', 264}), "<s>h</s>");
  EXPECT_EQ(tokenizer->decode(Ids{263, 'h', 264}, true), "h");
}

TEST(Tokenizer, InvalidUtf8CountsAsReplacementCharacters) {
  const auto tokenizer = Tokenizer::from_spec(tiny_spec());
  EXPECT_EQ(tokenizer->encode("a\xFF"
                              "b"),
            tokenizer->encode("a\uFFFDb"));
  EXPECT_EQ(tokenizer->decode(Ids{'a', 0xE5, 0xAD, 'b'}), "a\uFFFDb");
}

TEST(Tokenizer, DecodingSkipsIdsThatAreNoTokens) {
  const auto tokenizer = Tokenizer::from_spec(tiny_spec());
  EXPECT_EQ(tokenizer->decode(Ids{-1, 'a', 263, 1 << 30}), "a");
  EXPECT_EQ(tokenizer->token_bytes(-1), "");
  EXPECT_EQ(tokenizer->token_bytes(263), "");
  EXPECT_EQ(tokenizer->token_bytes(262), " wor");
}

TEST(Tokenizer, FindsIdsByTheTextOfATokenInTheVocabulary) {
  const auto tokenizer = Tokenizer::from_spec(tiny_spec());
  EXPECT_EQ(tokenizer->id_of("Ġwor"), 262);
  EXPECT_EQ(tokenizer->id_of(" wor"), std::nullopt);
}

TEST(Tokenizer, DecodesWhatItEncodedForAnyValidText) {
  Random random{Seed(3)};
  for (const PreTokenizer kind :
       {PreTokenizer::kGpt2, PreTokenizer::kLlama3, PreTokenizer::kQwen2, PreTokenizer::kSmolLm}) {
    TokenizerSpec spec = tiny_spec();
    spec.pre_tokenizer = kind;
    spec.added = {{.id = 263, .content = "<s>", .special = true}, {.id = 264, .content = "<t>"}};
    const auto tokenizer = Tokenizer::from_spec(spec);
    std::string storage;
    for (const std::string& raw : golden::corpus()) {
      const std::string text(replace_invalid_utf8(raw, storage));
      ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
      ASSERT_EQ(tokenizer->decode(tokenizer->encode_ordinary(text)), text);
    }
  }
}

TEST(Tokenizer, RandomBytesNeitherCrashNorLeaveTheVocabulary) {
  Random random{Seed(4)};
  for (const char* name : {"llama3", "qwen2", "marked"}) {
    const auto tokenizer = Tokenizer::from_folder(golden::folder() / name);
    std::string storage;
    for (int round = 0; round < 4000; ++round) {
      std::string bytes;
      for (auto left = random.below(64); left > 0; --left)
        bytes += random.below(3) ? char(random.below(256)) : "<|>' \n1a"[random.below(8)];
      const Ids ids = tokenizer->encode(bytes);
      for (const int32_t id : ids) ASSERT_TRUE(id >= 0 && id < tokenizer->vocab_size());
      const std::string text = tokenizer->decode(ids);
      ASSERT_EQ(valid_utf8_prefix(text), text.size());
      ASSERT_EQ(ids, tokenizer->encode(replace_invalid_utf8(bytes, storage)));
    }
  }
}

TEST(Tokenizer, ThreadsShareOne) {
  const auto tokenizer = Tokenizer::from_folder(golden::folder() / "llama3");
  const auto texts = golden::corpus();
  std::vector<Ids> expected;
  for (std::size_t i = 0; i < 2000; ++i) expected.push_back(tokenizer->encode(texts[i]));
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < expected.size(); ++i) wrong[t] += tokenizer->encode(texts[i]) != expected[i];
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(Tokenizer, ManyTokenizersInTurnKeepTheirOwnIds) {  // more than the word cache holds
  std::vector<std::shared_ptr<const Tokenizer>> tokenizers;
  for (int i = 0; i < 7; ++i) {
    TokenizerSpec spec = tiny_spec();
    spec.merges.resize(std::size_t(i));
    tokenizers.push_back(Tokenizer::from_spec(spec));
  }
  const std::vector<std::size_t> expected = {5, 4, 3, 2, 1, 1, 1};
  for (int round = 0; round < 3; ++round)
    for (std::size_t i = 0; i < tokenizers.size(); ++i) EXPECT_EQ(tokenizers[i]->encode("hello").size(), expected[i]);
}

TEST(Tokenizer, ALongRunOfOneCharacterIsNotQuadratic) {
  const auto tokenizer = Tokenizer::from_folder(golden::folder() / "llama3");
  for (const char* unit : {"a", " ", "1", "!", "\n"}) {  // quadratic work would take longer than ctest waits
    std::string text;
    while (text.size() < 1000000) text += unit;
    EXPECT_EQ(tokenizer->decode(tokenizer->encode_ordinary(text)), text);
  }
}

TEST(Tokenizer, RefusesWhatContradictsItself) {
  expect_spec_refused({}, "expected a vocabulary but received none");

  TokenizerSpec merge = tiny_spec();
  merge.merges.emplace_back("x", "y");
  expect_spec_refused(merge, "merge 7 ('x' and 'y'): 'xy' is not in the vocabulary");

  TokenizerSpec twice = tiny_spec();
  twice.tokens.push_back("he");
  expect_spec_refused(twice, "token 'he' has two ids, 256 and 263");

  TokenizerSpec other = tiny_spec();
  other.added = {{.id = 256, .content = "<s>"}};
  expect_spec_refused(other, "added token '<s>': its id 256 is that of the token 'he'");

  TokenizerSpec far = tiny_spec();
  far.added = {{.id = 1000000000, .content = "<s>"}};
  expect_spec_refused(far, "but received 1000000000");

  TokenizerSpec bos = tiny_spec();
  bos.add_bos = true;
  expect_spec_refused(bos, "add_bos: expected a bos token but none is named");
  bos.bos = 5000;
  expect_spec_refused(bos, "bos: expected an id below the vocabulary's size 263 but received 5000");

  TokenizerSpec bytes = tiny_spec();
  bytes.tokens[7] = "\xFF";
  expect_spec_refused(bytes, "token 7: expected UTF-8");

  TokenizerSpec empty = tiny_spec();
  empty.added = {{.id = 263, .content = ""}};
  expect_spec_refused(empty, "added token 263: expected a text but received none");

  TokenizerSpec words;
  words.tokens = {"hello", "world"};
  expect_spec_refused(words, "expected a byte-level vocabulary");

  TokenizerSpec prefix = tiny_spec();
  prefix.pre_tokenizer = PreTokenizer::kLlama3;
  prefix.add_prefix_space = true;
  expect_spec_refused(prefix, "add_prefix_space is supported with the GPT-2 pre-tokenizer only");
}

}  // namespace
}  // namespace limbeck::text
