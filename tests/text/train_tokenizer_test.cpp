#include "text/train_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/message_of.h"
#include "text/golden.h"
#include "text/tiny_vocabulary.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

using ::testing::HasSubstr;

// The lines of corpus.txt that are not blank, as Python reads them.
std::vector<std::string> lines_of_corpus() {
  std::string storage;
  const std::string file = read_file(golden::folder() / "corpus.txt");
  const std::string_view text = replace_invalid_utf8(file, storage);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) lines.emplace_back(line);
    at = end + 1;
  }
  return lines;
}

class TrainedLikeTheTokenizersLibrary : public ::testing::TestWithParam<std::string> {};

// tests/golden/scripts/make_trained_tokenizers.py
TEST_P(TrainedLikeTheTokenizersLibrary, HasItsTokensAndMerges) {
  const Json golden = read_json(golden::folder() / "trained.json")[GetParam()];
  const Json& settings = golden["settings"];
  const bool bytes = settings["kind"] == "bpe";
  const auto storage = lines_of_corpus();
  const std::vector<std::string_view> lines(storage.begin(), storage.end());
  const auto trained = train_tokenizer(lines, {.kind = bytes ? TrainedKind::kBpe : TrainedKind::kWordPiece,
                                               .vocab_size = settings["vocab_size"].get<int64_t>(),
                                               .min_frequency = settings.value("min_frequency", int64_t{2}),
                                               .limit_alphabet = settings.value("limit", int64_t{0}),
                                               .lowercase = settings.value("lowercase", true)});
  EXPECT_EQ(trained.spec.tokens, golden["tokens"].get<std::vector<std::string>>());
  if (!bytes) return;
  std::vector<std::pair<std::string, std::string>> merges;
  for (const Json& merge : golden["merges"])
    merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
  EXPECT_EQ(trained.spec.merges, merges);
}

INSTANTIATE_TEST_SUITE_P(Golden, TrainedLikeTheTokenizersLibrary,
                         ::testing::Values("wordpiece, 303 characters", "wordpiece, cased, 120 characters", "bpe"));

const std::vector<std::string_view> kTexts = {"The cat sat on the mat.", "The mat sat.", "A cat, a mat; the end"};

TEST(TrainTokenizer, MakesATokenizerThatSpellsWhatItSaw) {
  const auto trained = train_tokenizer(kTexts, {.vocab_size = 60, .min_frequency = 1});
  const auto tokenizer = Tokenizer::from_spec(trained.spec);
  const auto ids = tokenizer->encode("The CAT!");
  EXPECT_EQ(ids.front(), *tokenizer->id_of("[CLS]"));
  EXPECT_EQ(ids.back(), *tokenizer->id_of("[SEP]"));
  EXPECT_EQ(ids[1], *tokenizer->id_of("the"));
  EXPECT_EQ(ids[2], *tokenizer->id_of("cat"));
  EXPECT_EQ(ids[3], *tokenizer->id_of("[UNK]"));  // no text has a "!"
}

class SavedTokenizer : public ::testing::TestWithParam<TrainedKind> {};

TEST_P(SavedTokenizer, IsReadAgainFromEitherOfItsFiles) {
  const auto trained = train_tokenizer(kTexts, {.kind = GetParam(), .vocab_size = 290, .min_frequency = 1});
  const TemporaryFolder folder;
  save_trained_tokenizer(trained.spec, folder.path() / "t");
  const auto expected = Tokenizer::from_spec(trained.spec)->encode("the cat sat <mask> [MASK] café");
  EXPECT_EQ(Tokenizer::from_folder(folder.path() / "t")->encode("the cat sat <mask> [MASK] café"), expected);
  std::filesystem::remove(folder.path() / "t" / "tokenizer.json");
  Json config = read_json(folder.path() / "t" / "tokenizer_config.json");
  EXPECT_TRUE(config.contains("mask_token") && config.contains("cls_token") && config.contains("sep_token"));
  config["tokenizer_class"] = GetParam() == TrainedKind::kBpe ? "RobertaTokenizer" : "BertTokenizer";
  write_file_atomically(folder.path() / "t" / "tokenizer_config.json", config.dump());
  EXPECT_EQ(Tokenizer::from_folder(folder.path() / "t")->encode("the cat sat <mask> [MASK] café"), expected);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SavedTokenizer, ::testing::Values(TrainedKind::kWordPiece, TrainedKind::kBpe));

TEST(TrainTokenizer, WithOneEndTokenMakesADecodersVocabulary) {
  const auto trained =
      train_tokenizer(kTexts, {.kind = TrainedKind::kBpe, .vocab_size = 270, .special_tokens = {"<|endoftext|>"}});
  EXPECT_EQ(trained.spec.eos, 0);
  EXPECT_TRUE(trained.spec.post_processor.is_null());
  EXPECT_EQ(Tokenizer::from_spec(trained.spec)->decode(Tokenizer::from_spec(trained.spec)->encode("ü end")), "ü end");
}

TEST(TrainTokenizer, NamesEveryMistakeAboutSpecialTokensAtOnce) {
  const auto message = message_of([] { train_tokenizer(kTexts, {.special_tokens = {"[CLS]", "[CLS]", "", "[UNK]"}}); });
  EXPECT_THAT(message, HasSubstr("received '[CLS]' twice"));
  EXPECT_THAT(message, HasSubstr("received ''"));
  EXPECT_THAT(message, HasSubstr("expected [SEP] among"));
}

TEST(TrainTokenizer, RefusesTextsWithoutWords) {
  const std::vector<std::string_view> blank = {" ", "\t"};
  EXPECT_THROW(train_tokenizer(blank, {}), UserError);
}

TEST(TrainTokenizer, RefusesAVocabularyOfFewerThanAllBytes) {
  EXPECT_THAT(message_of([] { train_tokenizer(kTexts, {.kind = TrainedKind::kBpe, .vocab_size = 260}); }),
              HasSubstr("expected at least 261"));
}

}  // namespace
}  // namespace limbeck::text
