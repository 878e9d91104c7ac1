#include "data/task_encode.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/message_of.h"
#include "data/byte_tokenizer.h"
#include "data/word_piece_tokenizer.h"

namespace limbeck::data {
namespace {

constexpr int32_t kCls = 2, kSep = 3, kGood = 5, kBad = 6, kFilm = 7, kPlay = 14, kIng = 15;
const TaskLimits kSmall{.context = 16, .vocab_size = 100};

EncodedSplit encoded(const TaskDescription& task, std::vector<TaskRow> rows, const TaskEncodeOptions& options = {},
                     const TaskLimits& limits = kSmall) {
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].where = "f:" + std::to_string(i + 1);
  return encode_split({.name = "train", .rows = std::move(rows)}, task, *word_piece_tokenizer(), limits, options);
}

using Ids = std::vector<int32_t>;

TEST(EncodeSplit, PutsSpecialTokensAroundATextAndLabelsInATableByIndex) {
  const auto split = encoded({.text = {"t"}}, {{.first = "good film", .label = 1}, {.first = "Bad", .label = -1}});
  EXPECT_EQ(split.examples[0].ids, (Ids{kCls, kGood, kFilm, kSep}));
  EXPECT_TRUE(split.examples[0].types.empty());
  EXPECT_TRUE(split.examples[0].weights.empty());
  EXPECT_EQ(split.examples[1].index, 1);
  EXPECT_EQ(split.classes, (std::vector<int64_t>{1, kNoLabel}));
  EXPECT_EQ(split.num_tokens, 7);
  EXPECT_EQ(split.longest, 4);
}

TEST(EncodeSplit, SaysOfAPairWhichTextATokenIsOfWhereTheModelHasTypes) {
  const TaskDescription task{.kind = TaskKind::kScore, .text = {"a"}, .pair = {"b"}};
  const auto split = encoded(task, {{.first = "good", .second = "bad film", .score = 2.5}});
  EXPECT_EQ(split.examples[0].ids, (Ids{kCls, kGood, kSep, kBad, kFilm, kSep}));
  EXPECT_EQ(split.examples[0].types, (Ids{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(split.scores, std::vector<double>{2.5});
  const auto without =
      encoded(task, {{.first = "good", .second = "bad"}}, {}, {.context = 16, .vocab_size = 100, .types = false});
  EXPECT_TRUE(without.examples[0].types.empty());
}

TEST(EncodeSplit, RefusesLongRowsNamingThemAndTheWaysOut) {
  std::vector<TaskRow> rows(12, {.first = "good good good"});
  const std::string text = message_of<UserErrors>([&] { encoded({.text = {"t"}}, rows, {.max_length = 4}); });
  EXPECT_NE(text.find("[f:1] expected at most 4 tokens but received 5; overlong = longest-first"), std::string::npos)
      << text;
  EXPECT_NE(text.find("12 rows are too long in all"), std::string::npos) << text;
}

TEST(EncodeSplit, CutsByEachStrategyAndCountsTheRows) {
  const TaskDescription task{.text = {"a"}, .pair = {"b"}};
  const std::vector<TaskRow> rows = {{.first = "good good good good", .second = "bad bad"},
                                     {.first = "good", .second = "bad"}};
  const auto ids = [&](Overlong overlong) {
    const auto split = encoded(task, rows, {.max_length = 7, .overlong = overlong});
    EXPECT_EQ(split.num_cut, 1);
    EXPECT_EQ(split.longest, 7);
    return split.examples[0].ids;
  };
  EXPECT_EQ(ids(Overlong::kLongestFirst), (Ids{kCls, kGood, kGood, kSep, kBad, kBad, kSep}));
  EXPECT_EQ(ids(Overlong::kOnlyFirst), (Ids{kCls, kGood, kGood, kSep, kBad, kBad, kSep}));
  EXPECT_NE(message_of<UserError>([&] { ids(Overlong::kOnlySecond); }).find("truncation of the second text"),
            std::string::npos);
  EXPECT_NE(message_of<UserError>([&] {
              encoded({.text = {"t"}}, {{.first = "good good good"}},
                      {.max_length = 4, .overlong = Overlong::kOnlySecond});
            }).find("expected two texts"),
            std::string::npos);
}

TEST(EncodeSplit, MakesADocumentOfEachChoice) {
  const auto split = encoded({.kind = TaskKind::kChoice, .text = {"q"}},
                             {{.first = "good", .choices = {"film", "bad film"}, .label = 1}});
  EXPECT_EQ(split.examples[0].ids, (Ids{kCls, kGood, kSep, kFilm, kSep, kCls, kGood, kSep, kBad, kFilm, kSep}));
  EXPECT_EQ(split.examples[0].further, std::vector<int64_t>{5});
  EXPECT_EQ(split.classes, std::vector<int64_t>{1});
}

TEST(EncodeSplit, GivesATagToTheFirstTokenOfEachWordAndCountsWordsThatWereCutOff) {
  const TaskDescription task{.kind = TaskKind::kTags, .text = {"w"}};
  const TaskRow row{.words = {"playing", "good", "film"}, .tags = {1, 0, 2}};
  const auto split = encoded(task, {row});
  EXPECT_EQ(split.examples[0].ids, (Ids{kCls, kPlay, kIng, kGood, kFilm, kSep}));
  EXPECT_EQ(split.tags[0], (std::vector<int64_t>{kNoLabel, 1, kNoLabel, 0, 2, kNoLabel}));
  EXPECT_EQ(split.pieces[0][2].begin, 4);
  const auto cut = encoded(task, {row}, {.max_length = 4, .overlong = Overlong::kLongestFirst});
  EXPECT_EQ(cut.examples[0].ids, (Ids{kCls, kPlay, kIng, kSep}));
  EXPECT_EQ(cut.tags[0], (std::vector<int64_t>{kNoLabel, 1, kNoLabel, kNoLabel}));
  EXPECT_EQ(cut.num_lost_words, 2);
  EXPECT_EQ(cut.num_cut, 1);
  EXPECT_EQ(cut.pieces[0][1].begin, cut.pieces[0][1].end);
}

TEST(EncodeSplit, FindsTheTokensOfAnAnswerAndCountsAnswersThatWereCutOff) {
  const TaskDescription task{.kind = TaskKind::kSpan, .text = {"q"}, .pair = {"c"}};
  const TaskRow row{.first = "bob", .second = "the film, playing.", .answers = {{.text = "playing", .begin = 10}}};
  const auto split = encoded(task, {row, {.first = "bob", .second = "film"}});
  // [CLS] bob [SEP] the film , play ##ing . [SEP]
  EXPECT_EQ(split.spans[0], (std::pair<int64_t, int64_t>{6, 7}));
  EXPECT_EQ(split.spans[1], (std::pair<int64_t, int64_t>{0, 0}));
  EXPECT_EQ(row.second.substr(split.pieces[0][3].text_begin, 7), "playing");
  const auto cut = encoded(task, {row}, {.max_length = 7, .overlong = Overlong::kOnlySecond});
  EXPECT_EQ(cut.num_lost_answers, 1);
  EXPECT_EQ(cut.num_cut, 1);
  EXPECT_EQ(cut.spans[0], (std::pair<int64_t, int64_t>{0, 0}));
}

TEST(EncodeSplit, PutsASpaceBeforeAWordWhereTheTokenizerTellsItFromNone) {
  const auto split =
      encode_split({.name = "train", .rows = {{.words = {"ab", "c"}, .tags = {0, 1}}}},
                   {.kind = TaskKind::kTags, .text = {"w"}}, *byte_tokenizer(), {.context = 16, .vocab_size = 257}, {});
  EXPECT_EQ(split.examples[0].ids, (Ids{' ', 'a', 'b', ' ', 'c'}));
  EXPECT_EQ(split.tags[0], (std::vector<int64_t>{0, kNoLabel, kNoLabel, 1, kNoLabel}));
}

TEST(EncodeSplit, RefusesTokensThatTheModelDoesNotHave) {
  EXPECT_NE(message_of<UserError>([] {
              encoded({.text = {"t"}}, {{.first = "good"}}, {}, {.context = 16, .vocab_size = 4});
            }).find("expected tokens below 4"),
            std::string::npos);
}

TEST(SizeText, SaysWhatWasCut) {
  const auto split =
      encoded({.text = {"t"}}, {{.first = "good good good"}}, {.max_length = 4, .overlong = Overlong::kOnlyFirst});
  EXPECT_EQ(size_text(split), "train: 1 rows, 4 tokens, the longest 4, 1 rows cut");
}

}  // namespace
}  // namespace limbeck::data
