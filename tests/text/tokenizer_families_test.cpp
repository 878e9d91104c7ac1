// Ids, texts, pairs and batches equal those of the `tokenizers` library for tokenizers of every family
// (tests/golden/scripts/make_tokenizer_families.py).
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/json.h"
#include "golden.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer.h"
#include "text/vocabulary_files.h"
#include "tiny_vocabulary.h"

namespace limbeck::text {
namespace {

constexpr std::size_t kBlock = 16;  // texts a checksum

std::filesystem::path families_folder() {
  return golden::folder() / "families";
}

const std::vector<std::string>& family_corpus() {
  static const auto texts = golden::corpus();
  return texts;
}

void expect_family_ids(const Tokenizer& tokenizer, const std::string& name) {
  const auto& texts = family_corpus();
  const auto sums = golden::checksums("families/" + name);
  ASSERT_GE(texts.size(), 20000u);
  ASSERT_EQ((texts.size() + kBlock - 1) / kBlock, sums.size());
  int wrong = 0;
  for (std::size_t block = 0; block < sums.size(); ++block) {
    std::vector<int32_t> ids;
    for (std::size_t i = block * kBlock; i < std::min(texts.size(), (block + 1) * kBlock); ++i) {
      const auto some = tokenizer.encode(texts[i]);
      ids.insert(ids.end(), some.begin(), some.end());
      ids.push_back(-1);
    }
    if (golden::crc32_of(ids) == sums[block]) continue;
    if (++wrong <= 3) ADD_FAILURE() << name << " lines " << block * kBlock + 1 << " to " << (block + 1) * kBlock;
  }
  EXPECT_EQ(wrong, 0) << "of " << sums.size();
}

std::vector<TextPair> pairs_of(const std::vector<Json>& texts) {
  std::vector<TextPair> pairs;
  for (const Json& text : texts) {
    if (text.is_array()) {
      pairs.push_back({text[0].get_ref<const std::string&>(), text[1].get_ref<const std::string&>()});
    } else {
      pairs.push_back({text.get_ref<const std::string&>(), std::nullopt});
    }
  }
  return pairs;
}

void expect_family_samples(const Tokenizer& tokenizer, const std::string& name) {
  static const Json samples = read_json(families_folder() / "samples.json");
  int seen = 0;
  for (const Json& sample : samples.at("decoded")) {
    if (sample["tokenizer"] != name) continue;
    EXPECT_EQ(tokenizer.decode(sample["ids"].get<std::vector<int32_t>>(), sample["skip_special"].get<bool>()),
              sample["text"].get<std::string>())
        << sample.dump();
    ++seen;
  }
  for (const Json& sample : samples.at("pairs")) {
    if (sample["tokenizer"] != name) continue;
    const Encoding both = tokenizer.encode_pair(
        {sample["texts"][0].get_ref<const std::string&>(), sample["texts"][1].get_ref<const std::string&>()});
    EXPECT_EQ(both.ids, sample["ids"].get<std::vector<int32_t>>()) << sample.dump();
    EXPECT_EQ(both.type_ids, sample["type_ids"].get<std::vector<int32_t>>()) << sample.dump();
    ++seen;
  }
  for (const Json& sample : samples.at("batches")) {
    if (sample["tokenizer"] != name) continue;
    const std::vector<Json> texts(sample["texts"].begin(), sample["texts"].end());
    const auto encodings = tokenizer.encode_batch(pairs_of(texts));
    ASSERT_EQ(encodings.size(), sample["encodings"].size());
    for (std::size_t i = 0; i < encodings.size(); ++i) {
      const Json& expected = sample["encodings"][i];
      EXPECT_EQ(encodings[i].ids, expected["ids"].get<std::vector<int32_t>>()) << sample.dump();
      EXPECT_EQ(encodings[i].type_ids, expected["type_ids"].get<std::vector<int32_t>>()) << sample.dump();
      EXPECT_EQ(encodings[i].mask, expected["mask"].get<std::vector<uint8_t>>()) << sample.dump();
    }
    ++seen;
  }
  EXPECT_GE(seen, 30);
}

class Family : public testing::TestWithParam<const char*> {};

TEST_P(Family, EqualsTheTokenizersLibrary) {
  const auto tokenizer = Tokenizer::from_folder(families_folder() / GetParam());
  expect_family_ids(*tokenizer, GetParam());
  expect_family_samples(*tokenizer, GetParam());
}

TEST_P(Family, IsTheSameAfterSavingAndReading) {
  const auto tokenizer = Tokenizer::from_folder(families_folder() / GetParam());
  const TemporaryFolder folder;
  tokenizer->save(folder.path());
  const auto again = Tokenizer::from_folder(folder.path());
  for (std::size_t i = 0; i < family_corpus().size(); i += 97)
    EXPECT_EQ(again->encode(family_corpus()[i]), tokenizer->encode(family_corpus()[i])) << i;
  expect_family_samples(*again, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Family,
                         testing::Values("llama2", "mistral", "gemma", "spm", "t5", "xlnet", "cased", "spaced", "clip",
                                         "continued", "roberta", "o200k", "tekken", "deepseek", "falcon",
                                         "normalized_bytes"),
                         [](const auto& name) { return std::string(name.param); });

std::filesystem::path published(const char* name) {
  return std::filesystem::path(LIMBECK_SOURCE_DIR) / "../shared/data/tokenizers" / name;
}

// Vocabularies that are not ours to keep in the repository.
TEST(PublishedTokenizers, BertsVocabTxtEqualsTheTokenizersLibrary) {
  const auto file = published("bert-base-uncased-vocab.txt");
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there";
  const auto tokenizer = Tokenizer::from_spec(spec_from_vocab_txt(read_file(file), nullptr, file.string()));
  expect_family_ids(*tokenizer, "bert");
  expect_family_samples(*tokenizer, "bert");
}

TEST(PublishedTokenizers, AlbertsSentencePieceFileEqualsTheTokenizersLibrary) {
  const auto file = published("albert-spiece.model");
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there";
  const SentencePieceModel model = parse_sentencepiece_model(read_file(file), file.string());
  const auto albert = Tokenizer::from_spec(
      spec_from_sentencepiece(model, {.family = SentencePieceSettings::Family::kAlbert}, file.string()));
  expect_family_ids(*albert, "albert");
  expect_family_samples(*albert, "albert");
  const auto plain = Tokenizer::from_spec(spec_from_sentencepiece(model, {.add_bos = false}, file.string()));
  expect_family_ids(*plain, "albert_plain");
}

TEST(PublishedTokenizers, MiniLmsTokenizerJsonEqualsTheTokenizersLibrary) {
  const char* deps = std::getenv("LIMBECK_DEPS");
  const char* home = std::getenv("HOME");
  const auto folder =
      std::filesystem::path(deps ? deps : std::string(home ? home : "") + "/.cache/limbeck") / "models/minilm";
  if (!std::filesystem::exists(folder / "tokenizer.json"))
    GTEST_SKIP() << folder << " is not there; scripts/setup fetches it";
  const auto tokenizer = Tokenizer::from_folder(folder);
  expect_family_ids(*tokenizer, "minilm");
  expect_family_samples(*tokenizer, "minilm");
}

}  // namespace
}  // namespace limbeck::text
