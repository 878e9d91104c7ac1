#include "teachers/record_log_probs.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "generate/tiny_model.h"

namespace limbeck::teachers {
namespace {

TEST(RecordLogProbs, StoresWhatTheModelPredictsAtEachPlace) {
  const TemporaryFolder folder;
  const auto source = generate::tiny_model();
  const std::vector<TaughtText> texts = {{.ids = {'a', 'b', 'c', 'd'}, .places = {1, 2, 3}},
                                         {.ids = {'x', 'y', 'z'}, .places = {2}},
                                         {.ids = {'q', 'r'}, .places = {}}};
  const LogProbHeader header{.vocab_size = 262, .k = 5, .tokenizer = tokenizer_hash(*source.tokenizer)};
  for (const int64_t batch : {1, 1000}) {
    const auto file = folder / std::to_string(batch);
    int64_t num_done = 0;
    {
      LogProbWriter writer(file, header);
      record_log_probs(*source.model, texts, batch, writer, [&](int64_t done) { num_done = done; });
    }
    EXPECT_EQ(num_done, 3);
    const LogProbStore store(file);
    // log p(ids[i] | before) of generate's own scoring.
    const std::vector<std::vector<int32_t>> ids = {texts[0].ids, texts[1].ids};
    const auto scores = generate::score(*source.model, ids);
    for (std::size_t t = 0; t < 2; ++t) {
      std::vector<int64_t> places;
      store.read(texts[t].ids, [&](int64_t place, const Prediction& prediction) {
        places.push_back(place);
        ASSERT_EQ(prediction.ids.size(), 5u);
        for (std::size_t i = 0; i < 5; ++i) {
          if (prediction.ids[i] == texts[t].ids[static_cast<std::size_t>(place)]) {
            EXPECT_NEAR(prediction.log_probs[i], scores[t][static_cast<std::size_t>(place)], 1e-3);
          }
          // A text that goes on with that token scores the same.
          std::vector<int32_t> other(texts[t].ids.begin(), texts[t].ids.begin() + place);
          other.push_back(prediction.ids[i]);
          const auto score = generate::score(*source.model, std::vector<std::vector<int32_t>>{other});
          EXPECT_NEAR(prediction.log_probs[i], score[0].back(), 1e-3);
        }
      });
      EXPECT_EQ(places, texts[t].places);
    }
  }
}

TEST(RecordLogProbs, LeavesOutWhatTheStoreHas) {
  const TemporaryFolder folder;
  const auto source = generate::tiny_model();
  const std::vector<TaughtText> texts = {{.ids = {'a', 'b'}, .places = {1}}, {.ids = {'c', 'd'}, .places = {1}}};
  LogProbWriter writer(folder / "s", {.vocab_size = 262, .k = 5, .tokenizer = tokenizer_hash(*source.tokenizer)});
  record_log_probs(*source.model, std::span(texts).first(1), 100, writer, [](int64_t) {});
  EXPECT_EQ(writer.num_places(), 1);
  record_log_probs(*source.model, texts, 100, writer, [](int64_t) {});
  EXPECT_EQ(writer.num_places(), 2);
}

TEST(RecordLogProbs, NamesTextsThatTheModelCannotRead) {
  const TemporaryFolder folder;
  const auto source = generate::tiny_model();
  LogProbWriter writer(folder / "s", {.vocab_size = 262, .k = 5, .tokenizer = std::string(64, 'a')});
  const std::vector<TaughtText> texts = {{.ids = std::vector<int32_t>(401, 'a')}, {.ids = {'a', 500}}};
  const std::string said =
      message_of<UserErrors>([&] { record_log_probs(*source.model, texts, 100, writer, [](int64_t) {}); });
  EXPECT_THAT(said, ::testing::HasSubstr("text 1: expected at most 400 tokens"));
  EXPECT_THAT(said, ::testing::HasSubstr("text 2: expected tokens from 0 to 261 but received 500"));
}

}  // namespace
}  // namespace limbeck::teachers
