#include "teachers/log_prob_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/message_of.h"
#include "base/seeds.h"
#include "base/temporary_folder.h"
#include "generate/tiny_model.h"

namespace limbeck::teachers {
namespace {

using generate::TopLogProbs;
using ::testing::HasSubstr;

LogProbHeader header(int64_t vocab_size = 262, int64_t k = 4, double tail = 0) {
  return {.vocab_size = vocab_size, .k = k, .tail = tail, .tokenizer = std::string(64, 'a')};
}

// Of a softmax over the vocabulary, its best k.
TopLogProbs prediction(Random& random, int64_t vocab_size, int64_t k) {
  std::vector<float> logits(static_cast<std::size_t>(vocab_size));
  for (float& x : logits) x = static_cast<float>(3 * random.normal());
  return generate::top_log_probs(logits.data(), vocab_size, k);
}

struct Stored {
  std::vector<int32_t> ids;
  std::vector<float> log_probs;
  float rest;
};

std::map<int64_t, Stored> read_all(const LogProbStore& store, const std::vector<int32_t>& text) {
  std::map<int64_t, Stored> all;
  store.read(text, [&](int64_t place, const Prediction& p) {
    all[place] = {{p.ids.begin(), p.ids.end()}, {p.log_probs.begin(), p.log_probs.end()}, p.rest};
  });
  return all;
}

TEST(LogProbStore, GivesBackWhatWasWrittenWithinItsSteps) {
  for (const int64_t vocab_size : {262, 70'000}) {
    const TemporaryFolder folder;
    Random random(Seed(1));
    const std::vector<int32_t> text = {5, 6, 7, static_cast<int32_t>(vocab_size - 1), 9};
    const std::vector<int64_t> places = {1, 3, 4};
    std::vector<TopLogProbs> predictions;
    for (int i = 0; i < 3; ++i) predictions.push_back(prediction(random, vocab_size, 4));
    {
      LogProbWriter writer(folder / "s", header(vocab_size));
      writer.add(text, places, predictions);
      EXPECT_TRUE(writer.contains(text));
      EXPECT_EQ(writer.num_places(), 3);
    }
    const LogProbStore store(folder / "s");
    EXPECT_EQ(store.header().k, 4);
    EXPECT_EQ(store.num_texts(), 1);
    EXPECT_FALSE(store.contains(std::vector<int32_t>{5, 6, 7}));
    const auto all = read_all(store, text);
    ASSERT_EQ(all.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
      const Stored& one = all.at(places[i]);
      EXPECT_EQ(one.ids, predictions[i].ids);
      double mass = one.rest;
      for (std::size_t j = 0; j < 4; ++j) {
        EXPECT_NEAR(one.log_probs[j], predictions[i].log_probs[j], 0.75 / 2048);
        mass += std::exp(one.log_probs[j]);
      }
      EXPECT_NEAR(one.rest, predictions[i].rest, 5e-4);
      EXPECT_NEAR(mass, 1, 1e-6);
    }
  }
}

TEST(LogProbStore, LeavesTokensOfTheTailToTheRest) {
  const TemporaryFolder folder;
  const TopLogProbs sure{.ids = {3, 1, 4, 2},
                         .log_probs = {std::log(0.9F), std::log(0.09F), std::log(0.006F), std::log(0.003F)},
                         .rest = 0.001};
  const std::vector<int32_t> text = {1, 2};
  LogProbWriter(folder / "s", header(262, 4, 0.011)).add(text, std::vector<int64_t>{1}, {&sure, 1});
  const auto all = read_all(LogProbStore(folder / "s"), text);
  EXPECT_EQ(all.at(1).ids, (std::vector<int32_t>{3, 1}));
  EXPECT_NEAR(all.at(1).rest, 0.01, 1e-5);
  // At most k, however many are given.
  LogProbWriter(folder / "t", header(262, 1)).add(text, std::vector<int64_t>{1}, {&sure, 1});
  EXPECT_NEAR(read_all(LogProbStore(folder / "t"), text).at(1).rest, 0.1, 1e-4);
}

TEST(LogProbStore, AVocabularyWithoutARestHasNone) {
  const TemporaryFolder folder;
  const TopLogProbs all{.ids = {0, 1}, .log_probs = {std::log(0.75F), std::log(0.25F)}, .rest = 0};
  const std::vector<int32_t> text = {1, 0};
  LogProbWriter(folder / "s", header(2)).add(text, std::vector<int64_t>{1}, {&all, 1});
  EXPECT_EQ(read_all(LogProbStore(folder / "s"), text).at(1).rest, 0);
}

// However a process was killed, the next one goes on and the file ends in the same bytes.
TEST(LogProbStore, GoesOnAfterAnyCutToTheSameBytes) {
  const TemporaryFolder folder;
  Random random(Seed(1));
  std::vector<std::vector<int32_t>> texts;
  std::vector<std::vector<TopLogProbs>> predictions;
  const std::vector<int64_t> places = {1, 2};
  for (int i = 0; i < 4; ++i) {
    texts.push_back({i, 1, 2});
    predictions.push_back({prediction(random, 262, 4), prediction(random, 262, 4)});
  }
  const auto fill = [&](const std::filesystem::path& file) {
    LogProbWriter writer(file, header());
    for (std::size_t i = 0; i < texts.size(); ++i) writer.add(texts[i], places, predictions[i]);
  };
  fill(folder / "whole");
  const std::string whole = read_file(folder / "whole");
  for (std::size_t length = 0; length <= whole.size(); length += 5) {
    write_file_atomically(folder / "cut", whole.substr(0, length));
    fill(folder / "cut");
    EXPECT_EQ(read_file(folder / "cut"), whole) << length;
  }
}

TEST(LogProbStore, RefusesAnotherStoreAndOneThatIsBeingWritten) {
  const TemporaryFolder folder;
  const LogProbWriter writer(folder / "s", header());
  EXPECT_THAT(message_of<UserError>([&] { LogProbWriter(folder / "s", header()); }), HasSubstr("another process"));
  { const LogProbWriter other(folder / "t", header(262, 8)); }
  EXPECT_THAT(message_of<UserError>([&] { LogProbWriter(folder / "t", header()); }),
              HasSubstr("another tokenizer, k or tail"));
  EXPECT_THAT(message_of<UserError>([&] { LogProbWriter(folder / "u", header(262, 300)); }), HasSubstr("1 to 255"));
  write_file_atomically(folder / "x", std::string(100, 'x'));
  EXPECT_THAT(message_of<UserError>([&] { LogProbStore{folder / "x"}; }), HasSubstr("another file"));
}

// Damage anywhere is seen: it is refused, or the texts beside it are whole.
TEST(LogProbStore, DamagedBytesAreNeverTakenForPredictions) {
  const TemporaryFolder folder;
  Random random(Seed(1));
  const std::vector<int32_t> text = {5, 6, 7};
  {
    LogProbWriter writer(folder / "s", header());
    writer.add(text, std::vector<int64_t>{1, 2},
               std::vector<TopLogProbs>{prediction(random, 262, 4), prediction(random, 262, 4)});
  }
  const std::string whole = read_file(folder / "s");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    if (at >= 60 && at < 64) continue;  // padding
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    write_file_atomically(folder / "d", damaged);
    EXPECT_THROW(
        {
          const LogProbStore store(folder / "d");
          read_all(store, text);
        },
        Error)
        << at;
  }
  for (std::size_t length = 65; length < whole.size(); ++length) {
    write_file_atomically(folder / "d", whole.substr(0, length));
    EXPECT_THROW(LogProbStore{folder / "d"}, Error) << length;
  }
}

TEST(TokenizerHash, TellsVocabulariesApart) {
  const auto one = generate::byte_tokenizer();
  auto spec = one->spec();
  EXPECT_EQ(tokenizer_hash(*one), tokenizer_hash(*text::Tokenizer::from_spec(spec)));
  std::swap(spec.tokens[259], spec.tokens[260]);
  EXPECT_NE(tokenizer_hash(*one), tokenizer_hash(*text::Tokenizer::from_spec(spec)));
  EXPECT_EQ(tokenizer_hash(*one).size(), 64u);
}

}  // namespace
}  // namespace limbeck::teachers
