#include "data/masking.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "base/errors.h"
#include "base/message_of.h"
#include "text/train_tokenizer.h"

namespace limbeck::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<const text::Tokenizer> tokenizer(text::TrainedKind kind = text::TrainedKind::kWordPiece) {
  const std::vector<std::string_view> texts = {"the unhappy cat walked walking walks unwalked", "the the cat"};
  return text::Tokenizer::from_spec(
      text::train_tokenizer(texts, {.kind = kind, .vocab_size = kind == text::TrainedKind::kBpe ? 268 : 40}).spec);
}

// Texts of ordinary tokens between the two special ones.
std::vector<Example> examples(const text::Tokenizer& t, int64_t count, int64_t length) {
  std::vector<Example> made;
  Random random(Seed(7));
  for (int64_t i = 0; i < count; ++i) {
    Example example{.index = 10 + i};
    example.ids.push_back(*t.spec().bos);
    for (int64_t k = 0; k < length; ++k)
      example.ids.push_back(static_cast<int32_t>(5 + random.below(static_cast<uint64_t>(t.vocab_size() - 5))));
    example.ids.push_back(*t.spec().eos);
    made.push_back(std::move(example));
  }
  return made;
}

std::vector<MaskedText> draw(const Masker& masker, const std::vector<Example>& texts, uint64_t seed = 1) {
  std::vector<const Example*> batch;
  for (const Example& text : texts) batch.push_back(&text);
  return masker.draw(batch, Seed(seed));
}

TEST(Masking, HidesTheAskedShareOfEachText) {
  const auto t = tokenizer();
  const auto texts = examples(*t, 5, 60);
  for (const auto& masked : draw(Masker(*t, {.rate = 0.15}), texts)) EXPECT_EQ(masked.places.size(), 9u);
  for (const auto& masked : draw(Masker(*t, {.rate = 0.001}), texts)) EXPECT_EQ(masked.places.size(), 1u);
}

TEST(Masking, OfAWholeBatchHidesItsShareRoundedUp) {
  const auto t = tokenizer();
  for (const int64_t count : {1, 3, 8}) {
    const auto texts = examples(*t, count, 21);
    std::size_t hidden = 0;
    for (const auto& masked : draw(Masker(*t, {.from = MaskedFrom::kWholeBatch, .smoothing = 0.7}), texts))
      hidden += masked.places.size();
    EXPECT_EQ(hidden, static_cast<std::size_t>(std::ceil(0.15 * 23 * static_cast<double>(count))));
  }
}

TEST(Masking, NeverChoosesOrPutsInASpecialToken) {
  const auto t = tokenizer();
  auto texts = examples(*t, 40, 20);
  for (Example& text : texts) text.ids[7] = *t->id_of("[UNK]"), text.ids[8] = *t->id_of("[PAD]");
  const auto masked = draw(Masker(*t, {.rate = 1, .mask_share = 0.2, .random_share = 0.8}), texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(masked[i].places.size(), 18u);
    for (const int32_t place : masked[i].places) {
      EXPECT_FALSE(t->is_special(texts[i].ids[static_cast<std::size_t>(place)]));
      const int32_t now = masked[i].ids[static_cast<std::size_t>(place)];
      EXPECT_TRUE(now == *t->id_of("[MASK]") || !t->is_special(now));
    }
  }
}

TEST(Masking, LeavesWhatWasNotChosenAsItWas) {
  const auto t = tokenizer();
  const auto texts = examples(*t, 10, 30);
  const auto masked = draw(Masker(*t, {}), texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::set<int32_t> places(masked[i].places.begin(), masked[i].places.end());
    EXPECT_EQ(places.size(), masked[i].places.size());
    for (std::size_t k = 0; k < texts[i].ids.size(); ++k)
      if (!places.contains(static_cast<int32_t>(k))) {
        EXPECT_EQ(masked[i].ids[k], texts[i].ids[k]);
      }
  }
}

// 24,000 chosen tokens: a share differs by less than five standard deviations.
TEST(Masking, ReplacesInTheAskedShares) {
  const auto t = tokenizer();
  const auto texts = examples(*t, 800, 200);
  const auto masked = draw(Masker(*t, {}), texts);
  double hidden = 0, kept = 0, total = 0;
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (const int32_t place : masked[i].places) {
      const int32_t now = masked[i].ids[static_cast<std::size_t>(place)];
      hidden += now == *t->id_of("[MASK]");
      kept += now == texts[i].ids[static_cast<std::size_t>(place)];
      ++total;
    }
  const double others = static_cast<double>(t->vocab_size() - 5);
  const auto near = [&](double received, double share) {
    EXPECT_NEAR(received / total, share, 5 * std::sqrt(share * (1 - share) / total));
  };
  near(hidden, 0.8);
  near(kept, 0.1 + 0.1 / others);  // a random token may be the same one
}

TEST(Masking, ChoosesTokensInProportionToTheirSmoothedCounts) {
  const auto t = tokenizer();
  std::vector<int64_t> counts(static_cast<std::size_t>(t->vocab_size()), 1);
  counts[6] = 1000;
  const Masker masker(*t, {.rate = 0.001, .smoothing = 0.7}, counts);  // one token of each text
  std::vector<Example> texts;
  for (int64_t i = 0; i < 20000; ++i) texts.push_back({.ids = {5, 6}, .index = i});
  double frequent = 0;
  for (const auto& masked : draw(masker, texts)) frequent += masked.places == std::vector<int32_t>{1};
  const double share = std::pow(1000, -0.7) / (1 + std::pow(1000, -0.7));
  EXPECT_NEAR(frequent / 20000, share, 5 * std::sqrt(share / 20000));
}

TEST(Masking, IsAFunctionOfTheSeedAndTheTextNotOfTheBatch) {
  const auto t = tokenizer();
  const auto texts = examples(*t, 6, 40);
  const Masker masker(*t, {});
  const auto all = draw(masker, texts), again = draw(masker, texts), other = draw(masker, texts, 2);
  const auto some = draw(masker, {texts[4], texts[1]});
  EXPECT_EQ(all[3].ids, again[3].ids);
  EXPECT_NE(all[3].places, other[3].places);
  EXPECT_EQ(some[0].ids, all[4].ids);
  EXPECT_EQ(some[1].places, all[1].places);
}

TEST(Masking, OfABatchDoesNotDependOnItsOrder) {
  const auto t = tokenizer();
  const auto texts = examples(*t, 6, 40);
  const Masker masker(*t, {.from = MaskedFrom::kWholeBatch});
  const auto forth = draw(masker, texts), back = draw(masker, {texts.rbegin(), texts.rend()});
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(forth[i].ids, back[5 - i].ids);
}

class WholeWords : public ::testing::TestWithParam<text::TrainedKind> {};

TEST_P(WholeWords, AreHiddenTogether) {
  const auto t = tokenizer(GetParam());
  std::vector<Example> texts;
  for (int64_t i = 0; i < 200; ++i)
    texts.push_back({.ids = t->encode("the unhappy cat walked unwalked xq the walks"), .index = i});
  // Where each word begins: a piece that starts a word, or what follows a special token.
  std::vector<std::size_t> word(texts[0].ids.size());
  std::size_t current = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const int32_t id = texts[0].ids[i];
    const std::string& piece = t->spec().tokens[static_cast<std::size_t>(id)];
    const bool begins = GetParam() == text::TrainedKind::kBpe ? piece.starts_with("Ġ") : !piece.starts_with("##");
    if (i == 0 || t->is_special(id) || t->is_special(texts[0].ids[i - 1]) || begins) ++current;
    word[i] = current;
  }
  const auto masked = draw(Masker(*t, {.rate = 0.4, .whole_words = true}), texts);
  bool several = false;
  for (const auto& text : masked) {
    const std::set<int32_t> places(text.places.begin(), text.places.end());
    EXPECT_LE(places.size(), std::llround(0.4 * static_cast<double>(word.size())));
    for (std::size_t i = 1; i < word.size(); ++i)
      if (word[i] == word[i - 1]) {
        EXPECT_EQ(places.contains(static_cast<int32_t>(i)), places.contains(static_cast<int32_t>(i - 1)));
        several |= places.contains(static_cast<int32_t>(i));
      }
  }
  EXPECT_TRUE(several);
}

INSTANTIATE_TEST_SUITE_P(Kinds, WholeWords, ::testing::Values(text::TrainedKind::kWordPiece, text::TrainedKind::kBpe));

TEST(StepMasks, GiveEachForwardPassItsPart) {
  const auto t = tokenizer();
  auto texts = examples(*t, 5, 30);
  for (std::size_t i = 0; i < texts.size(); ++i) texts[i].index = static_cast<int64_t>(i);
  const Masker masker(*t, {.from = MaskedFrom::kWholeBatch});
  const StepMasks masks(masker, texts, {3, 0, 4}, Seed(5));
  EXPECT_EQ(masks.num_tokens(), 96);
  EXPECT_EQ(masks.num_masked(), 15);  // ⌈14.4⌉
  const Batch one = collate({texts[4], texts[3]}), other = collate({texts[0]});
  const MaskedBatch of_one = masks.of(one), of_other = masks.of(other);
  EXPECT_EQ(of_one.rows.numel() + of_other.rows.numel(), 15);
  EXPECT_TRUE(at::equal(of_one.targets, one.ids.index_select(0, of_one.rows)));
  EXPECT_TRUE(at::equal(of_one.ids.narrow(0, 32, 32), masks.of(collate({texts[3]})).ids));
  EXPECT_THAT(message_of([&] { masks.of(collate({texts[1]})); }), HasSubstr("received example 1"));
}

TEST(StepMasks, OfTextsWithNothingToHideHaveNoRows) {
  const auto t = tokenizer();
  const std::vector<Example> texts = {{.ids = {*t->spec().bos, *t->spec().eos}, .index = 0}};
  const StepMasks masks(Masker(*t, {}), texts, {0}, Seed(1));
  EXPECT_EQ(masks.of(collate(texts)).rows.numel(), 0);
}

TEST(Masking, NeedsAMaskToken) {
  const std::vector<std::string_view> texts = {"some words"};
  const auto t =
      text::Tokenizer::from_spec(text::train_tokenizer(texts, {.special_tokens = {"[UNK]", "[CLS]", "[SEP]"}}).spec);
  EXPECT_THAT(message_of<UserError>([&] { Masker(*t, {}); }), HasSubstr("expected a mask token"));
}

TEST(TokenCounts, CountEachId) {
  EXPECT_THAT(token_counts({{.ids = {1, 2, 2}}, {.ids = {2, 9}}}, 4), ElementsAre(0, 1, 3, 0));
}

}  // namespace
}  // namespace limbeck::data
