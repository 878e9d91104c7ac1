// Ids equal those of the `tokenizers` library on every text of the corpus.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/json.h"
#include "gguf_metadata.h"
#include "golden.h"
#include "text/gguf_vocabulary.h"
#include "text/tokenizer.h"

namespace limbeck::text {
namespace {

std::string shown(const std::string& text) {
  std::string out;
  for (const char c : text.substr(0, 60))
    out += c >= ' ' && c < 127 ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out;
}

void expect_golden_ids(const Tokenizer& tokenizer, const std::string& name) {
  const auto texts = golden::corpus();
  const auto sums = golden::checksums(name);
  ASSERT_GE(texts.size(), 20000u);
  ASSERT_EQ(texts.size(), sums.size());
  int wrong = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto ids = tokenizer.encode(texts[i]);
    if (golden::crc32_of(ids) == sums[i]) continue;
    if (++wrong <= 5)
      ADD_FAILURE() << name << " line " << i + 1 << ": " << shown(texts[i]) << " ids " << Json(ids).dump();
  }
  EXPECT_EQ(wrong, 0) << "of " << texts.size();
  const Json samples = read_json(golden::folder() / "samples.json");
  for (const Json& sample : samples.at("texts")) {
    if (sample["tokenizer"] != name) continue;
    const std::string& text = texts.at(sample["line"].get<std::size_t>() - 1);
    EXPECT_EQ(tokenizer.encode(text), sample["ids"].get<std::vector<int32_t>>()) << shown(text);
  }
}

void expect_golden_texts(const Tokenizer& tokenizer, const std::string& name) {
  int seen = 0;
  const Json samples = read_json(golden::folder() / "samples.json");
  for (const Json& sample : samples.at("decoded")) {
    if (sample["tokenizer"] != name) continue;
    const auto ids = sample["ids"].get<std::vector<int32_t>>();
    EXPECT_EQ(tokenizer.decode(ids, sample["skip_special"].get<bool>()), sample["text"].get<std::string>())
        << sample.dump();
    ++seen;
  }
  EXPECT_GT(seen, 50);
}

TEST(TokenizerGolden, Llama3StyleIdsAndTextsEqualThoseOfTheTokenizersLibrary) {
  const auto tokenizer = Tokenizer::from_folder(golden::folder() / "llama3");
  expect_golden_ids(*tokenizer, "llama3");
  expect_golden_texts(*tokenizer, "llama3");
}

TEST(TokenizerGolden, Qwen2StyleIdsAndTextsEqualThoseOfTheTokenizersLibrary) {
  const auto tokenizer = Tokenizer::from_folder(golden::folder() / "qwen2");
  expect_golden_ids(*tokenizer, "qwen2");
  expect_golden_texts(*tokenizer, "qwen2");
}

TEST(TokenizerGolden, EveryKindOfAddedTokenAPrefixSpaceAndMissingBytesEqualThoseOfTheTokenizersLibrary) {
  const auto tokenizer = Tokenizer::from_folder(golden::folder() / "marked");
  expect_golden_ids(*tokenizer, "marked");
  expect_golden_texts(*tokenizer, "marked");
}

TEST(TokenizerGolden, SmolLm2IdsEqualThoseOfTheTokenizersLibrary) {
  const char* deps = std::getenv("LIMBECK_DEPS");
  const char* home = std::getenv("HOME");
  const std::filesystem::path file =
      std::filesystem::path(deps ? deps : std::string(home ? home : "") + "/.cache/limbeck") /
      "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there; scripts/setup fetches it";
  const auto tokenizer = Tokenizer::from_spec(spec_from_gguf(golden::gguf_vocabulary(file), file.string()));
  expect_golden_ids(*tokenizer, "smollm2");
}

// GPT-2's vocabulary as OpenAI published it (encoder.json, vocab.bpe) is not ours to keep in the repository.
TEST(TokenizerGolden, Gpt2IdsEqualThoseOfTheTokenizersLibrary) {
  const auto folder = std::filesystem::path(LIMBECK_SOURCE_DIR) / "../shared/data/tokenizers/gpt2";
  if (!std::filesystem::exists(folder / "vocab.bpe"))
    GTEST_SKIP() << "encoder.json and vocab.bpe of GPT-2 are not in " << folder;
  TokenizerSpec spec;
  const Json vocabulary = read_json(folder / "encoder.json");
  for (const auto& [token, id] : vocabulary.items()) {
    if (spec.tokens.size() <= id.get<std::size_t>()) spec.tokens.resize(id.get<std::size_t>() + 1);
    spec.tokens[id.get<std::size_t>()] = token;
  }
  const std::string merges = read_file(folder / "vocab.bpe");
  for (std::size_t at = merges.find('\n') + 1; at < merges.size();) {
    const std::size_t end = merges.find('\n', at), space = merges.find(' ', at);
    spec.merges.emplace_back(merges.substr(at, space - at), merges.substr(space + 1, end - space - 1));
    at = end + 1;
  }
  spec.added.push_back({.id = 50256, .content = "<|endoftext|>", .special = true});
  expect_golden_ids(*Tokenizer::from_spec(std::move(spec)), "gpt2");
}

}  // namespace
}  // namespace limbeck::text
