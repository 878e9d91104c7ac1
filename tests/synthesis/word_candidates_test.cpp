#include "synthesis/word_candidates.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <set>

#include "base/errors.h"
#include "base/progress.h"
#include "synthesis/tiny_masked_lm.h"

namespace limbeck::synthesis {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

class Candidates : public ::testing::Test {
 protected:
  void SetUp() override { Progress::be_quiet(true); }
  at::NoGradGuard no_grad_;
};

// The definition, one word at a time: the likeliest words where the text with the word hidden stands before the text.
std::vector<std::string> by_definition(const models::PretrainedEncoder& lm, const std::string& text, std::size_t begin,
                                       std::size_t end, int64_t k) {
  const text::Tokenizer& t = *lm.tokenizer;
  std::vector<int32_t> hidden = t.encode_ordinary(text.substr(0, begin));
  const auto place = static_cast<int64_t>(hidden.size()) + 1;
  hidden.push_back(*t.id_of("[MASK]"));
  for (const int32_t id : t.encode_ordinary(text.substr(end))) hidden.push_back(id);
  std::vector<int64_t> ids = {*t.id_of("[CLS]")}, types;
  ids.insert(ids.end(), hidden.begin(), hidden.end());
  ids.push_back(*t.id_of("[SEP]"));
  types.assign(ids.size(), 0);
  for (const int32_t id : t.encode_ordinary(text)) ids.push_back(id);
  ids.push_back(*t.id_of("[SEP]"));
  types.resize(ids.size(), 1);
  const std::vector<int64_t> offsets = {0, static_cast<int64_t>(ids.size())};
  const auto plan = models::plan_for(lm.model->config(), offsets);
  const auto output = lm.model->forward(at::tensor(ids, at::kLong), at::tensor(types, at::kLong), *plan);
  const at::Tensor order = lm.model->logits(output, offsets)[place].argsort(0, true);
  std::vector<std::string> words;
  for (int64_t i = 0; static_cast<int64_t>(words.size()) < k; ++i) {
    const auto id = order[i].item<int32_t>();
    const std::string& token = t.spec().tokens[static_cast<std::size_t>(id)];
    if (!t.is_special(id) && is_word(token) && token != text.substr(begin, end - begin)) words.push_back(token);
  }
  return words;
}

TEST_F(Candidates, OfAWordOfOnePieceAreWhatTheModelExpectsThere) {
  const auto lm = tiny_masked_lm();
  WordCandidates candidates(*lm.model, *lm.tokenizer, nullptr, 4);
  const TextWords text = words_of("red apples, brown pears");
  const auto found = candidates.of({text, words_of("plums ran")});
  for (std::size_t i = 0; i < text.words.size(); ++i)
    EXPECT_EQ(found[0][i], by_definition(lm, text.text, text.words[i].first, text.words[i].second, 4)) << text.word(i);
  EXPECT_EQ(found[1].size(), 2u);
}

TEST_F(Candidates, DoNotDependOnHowManyAreAskedForAtOnce) {
  const auto lm = tiny_masked_lm();
  WordCandidates candidates(*lm.model, *lm.tokenizer, nullptr, 4);
  const std::vector<TextWords> texts = {words_of("red apples"), words_of("plums walked"), words_of("white pears ran")};
  EXPECT_EQ(candidates.of(texts), candidates.of(texts, 1));
}

TEST_F(Candidates, AreWordsAndNotTheWordItself) {
  const auto lm = tiny_masked_lm();
  WordCandidates candidates(*lm.model, *lm.tokenizer, nullptr, 10);
  const TextWords text = words_of("Red apples greenish");
  const auto found = candidates.of({text})[0];
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].size(), 10u);
    EXPECT_THAT(found[i], Not(Contains(in_lower_case(text.word(i)))));
    for (const std::string& word : found[i]) EXPECT_TRUE(is_word(word)) << word;
    EXPECT_EQ(std::set<std::string>(found[i].begin(), found[i].end()).size(), found[i].size());
  }
}

TEST_F(Candidates, OfAWordOfSeveralPiecesComeFromVectors) {
  const auto lm = tiny_masked_lm();
  const formats::WordVectors vectors{
      .words = {"bluegreen", "teal", "loud", "7", "cyan"},
      .vectors = at::tensor({1.0F, 0.0F, 0.9F, 0.1F, -1.0F, 0.0F, 1.0F, 0.0F, 0.8F, 0.3F}).reshape({5, 2})};
  WordCandidates candidates(*lm.model, *lm.tokenizer, &vectors, 2);
  EXPECT_THAT(candidates.of({words_of("Bluegreen")})[0][0], ElementsAre("teal", "cyan"));
}

TEST_F(Candidates, WithoutAVectorComeFromTheWordEmbeddings) {
  const auto lm = tiny_masked_lm(models::HeadKind::kNone);  // nothing to ask
  at::Tensor& table = lm.model->word_embeddings();
  table[*lm.tokenizer->id_of("pears")].copy_(table[*lm.tokenizer->id_of("plums")] * 2);
  WordCandidates candidates(*lm.model, *lm.tokenizer, nullptr, 1);
  EXPECT_THAT(candidates.of({words_of("plums")})[0][0], ElementsAre("pears"));
}

TEST_F(Candidates, OfManyWordsAreThoseOfEachAlone) {
  const auto lm = tiny_masked_lm(models::HeadKind::kNone);
  const formats::WordVectors vectors{
      .words = {"plums", "pears", "loud", "cyan"},
      .vectors = at::tensor({1.0F, 0.0F, 0.9F, 0.1F, -1.0F, 0.0F, 0.8F, 0.3F}).reshape({4, 2})};
  const std::vector<TextWords> texts = {words_of("red apples and plums"), words_of("Plums ran"),
                                        words_of("greenish pears ran")};
  const auto together = WordCandidates(*lm.model, *lm.tokenizer, &vectors, 3).of(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    WordCandidates alone(*lm.model, *lm.tokenizer, &vectors, 3);
    EXPECT_EQ(together[i], alone.of({texts[i]})[0]) << texts[i].text;
  }
}

TEST_F(Candidates, OfATextThatFillsTheContextAreStillFound) {
  const auto lm = tiny_masked_lm();
  WordCandidates candidates(*lm.model, *lm.tokenizer, nullptr, 3);
  std::string text = "red";
  for (int i = 0; i < 40; ++i) text += " plums";
  const auto found = candidates.of({words_of(text)});
  for (const auto& of_word : found[0]) EXPECT_EQ(of_word.size(), 3u);
}

TEST_F(Candidates, NeedAVocabularyWithEnoughWords) {
  const auto lm = tiny_masked_lm();
  EXPECT_THROW(WordCandidates(*lm.model, *lm.tokenizer, nullptr, 1000), UserError);
}

}  // namespace
}  // namespace limbeck::synthesis
