// Golden continuations: tests/golden/generate.json, made by tests/golden/scripts/make_generate_golden.py with
// Transformers.
#include "generate/generate.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/errors.h"
#include "generate/tiny_model.h"

namespace limbeck::generate {
namespace {

const Json& golden_rows() {
  static const Json rows = read_json(golden("generate.json"));
  return rows;
}

std::vector<Prompt> some_prompts() {
  std::vector<Prompt> prompts;
  const std::vector<int64_t> lengths = {3, 40, 1, 17, 300, 16, 2, 90}, counts = {5, 1, 9, 0, 3, 2, 1, 4};
  Random random{Seed(3)};
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    Prompt prompt{.num_samples = counts[i], .seed = Seed(i)};
    for (int64_t t = 0; t < lengths[i]; ++t) prompt.ids.push_back(static_cast<int32_t>(random.below(256)));
    prompts.push_back(prompt);
  }
  return prompts;
}

TEST(Generate, GreedyEqualsTransformersOnSmallModels) {
  for (const Json& row : golden_rows().at("small")) {
    models::Pretrained source{.model = models::make_decoder(models::read_config(row.at("config"), "config")),
                              .tokenizer = byte_tokenizer(),
                              .eos_ids = {258}};
    models::fill_by_formula(*source.model);
    source.model->freeze(Precision::kFp32);
    for (const Json& one : row.at("rows")) {
      const auto samples =
          samples_of(source, {{.ids = one.at("ids").get<std::vector<int32_t>>()}},
                     {.max_new_tokens = 40, .temperature = 0, .repetition_penalty = one.at("penalty").get<double>()},
                     {.precision = Precision::kFp32});
      auto expected = one.at("greedy").get<std::vector<int32_t>>();
      if (!expected.empty() && expected.back() == 258) expected.pop_back();
      EXPECT_EQ(samples.at({0, 0}).ids, expected) << row.at("name") << " prompt of " << one.at("ids").size();
    }
  }
}

// Prompts that begin alike share what they begin with; each alone computes all of itself.
TEST(Generate, ASharedBeginningChangesNoSample) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16})
    for (const Json& changes : {Json::object(), Json{{"model_type", "mistral"}, {"sliding_window", 9}}})
      for (const int64_t num_shared : {15, 16, 37, 100}) {
        const models::Pretrained source = tiny_model(precision, changes);
        Random random{Seed(5)};
        std::vector<int32_t> beginning;
        for (int64_t t = 0; t < num_shared; ++t) beginning.push_back(static_cast<int32_t>(random.below(256)));
        std::vector<Prompt> prompts;
        for (const int64_t own : {0, 1, 20, 7, 16}) {  // the first is only the beginning
          Prompt prompt{.ids = beginning, .num_samples = own == 7 ? 0 : 3, .seed = Seed(static_cast<uint64_t>(own))};
          for (int64_t t = 0; t < own; ++t) prompt.ids.push_back(static_cast<int32_t>(random.below(256)));
          prompts.push_back(prompt);
        }
        prompts[3].ids = {1};  // without samples: shares nothing and must not matter
        const SamplingOptions sampling{.max_new_tokens = 12, .temperature = 2.5};
        const Samples together = samples_of(source, prompts, sampling, {.max_batch = 4, .precision = precision});
        ASSERT_EQ(together.size(), 12u);
        for (std::size_t p = 0; p < prompts.size(); ++p)
          for (const auto& [key, sample] : samples_of(source, {prompts[p]}, sampling, {.precision = precision})) {
            const Sample& shared = together.at({static_cast<int64_t>(p), key.second});
            EXPECT_EQ(shared.ids, sample.ids);
            EXPECT_EQ(shared.log_prob, sample.log_prob);
          }
      }
}

TEST(Generate, GivesTheSameSamplesWhateverTheBatchAndTheThreads) {
  const int threads = at::get_num_threads();
  for (const Precision precision : {Precision::kFp32, Precision::kBf16})
    for (const Json& changes : {Json::object(), Json{{"model_type", "mistral"}, {"sliding_window", 9}}}) {
      const models::Pretrained source = tiny_model(precision, changes);
      for (const SamplingOptions& sampling :
           {SamplingOptions{.max_new_tokens = 24, .temperature = 2.5},
            SamplingOptions{
                .max_new_tokens = 24, .temperature = 2, .top_k = 50, .top_p = 0.95, .repetition_penalty = 1.2}}) {
        const Samples together =
            samples_of(source, some_prompts(), sampling, {.max_batch = 64, .precision = precision});
        ASSERT_EQ(together.size(), 25u);
        for (const int64_t max_batch : {1, 3}) {
          if (max_batch == 3) at::set_num_threads(1);
          const Samples others =
              samples_of(source, some_prompts(), sampling, {.max_batch = max_batch, .precision = precision});
          at::set_num_threads(threads);
          EXPECT_EQ(ids_of(others), ids_of(together)) << max_batch;
          for (const auto& [key, sample] : together) {
            EXPECT_EQ(others.at(key).text, sample.text);
            EXPECT_EQ(others.at(key).log_prob, sample.log_prob);  // to the last bit
          }
        }
      }
    }
}

TEST(Generate, SamplesFromTheFirstSampleOnAreThoseOfALargerRun) {
  const models::Pretrained source = tiny_model();
  const SamplingOptions sampling{.max_new_tokens = 10, .temperature = 3};
  Prompt prompt{.ids = {1, 2, 3}, .num_samples = 8, .seed = Seed(5)};
  const Samples all = samples_of(source, {prompt}, sampling, {.precision = Precision::kFp32});
  prompt.first_sample = 4, prompt.num_samples = 4;
  const Samples last = samples_of(source, {prompt}, sampling, {.precision = Precision::kFp32});
  ASSERT_EQ(last.size(), 4u);
  for (const auto& [key, sample] : last) EXPECT_EQ(sample.ids, all.at(key).ids);
  EXPECT_NE(all.at({0, 0}).ids, all.at({0, 1}).ids);
}

TEST(Generate, OtherSeedsGiveOtherSamples) {
  const models::Pretrained source = tiny_model();
  const SamplingOptions sampling{.max_new_tokens = 10, .temperature = 3};
  const auto with_seed = [&](uint64_t seed) {
    return ids_of(
        samples_of(source, {{.ids = {1, 2, 3}, .seed = Seed(seed)}}, sampling, {.precision = Precision::kFp32}));
  };
  EXPECT_EQ(with_seed(1), with_seed(1));
  EXPECT_NE(with_seed(1), with_seed(2));
}

TEST(Generate, GivesTheLogProbabilityThatScoringGives) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    const models::Pretrained source = tiny_model(precision);
    const auto prompts = some_prompts();
    const Samples samples = samples_of(source, prompts, {.max_new_tokens = 20, .temperature = 1.5, .top_k = 20},
                                       {.max_batch = 8, .precision = precision});
    for (const auto& [key, sample] : samples) {
      std::vector<int32_t> text = prompts[static_cast<std::size_t>(key.first)].ids;
      const std::size_t length = text.size();
      text.insert(text.end(), sample.ids.begin(), sample.ids.end());
      const auto log_probs = score(*source.model, std::vector<std::vector<int32_t>>{text}).front();
      double total = 0;
      for (std::size_t t = length; t < text.size(); ++t) total += log_probs[t];
      EXPECT_NEAR(sample.log_prob, total, precision == Precision::kFp32 ? 1e-4 * 20 : 0.5);
    }
  }
}

TEST(Generate, EndsAtTheEndOfTextTokenAndLeavesItOut) {
  models::Pretrained source = tiny_model();
  const Prompt prompt{.ids = {7, 8}};
  source.eos_ids = {};
  const auto free =
      samples_of(source, {prompt}, {.max_new_tokens = 20, .temperature = 0}, {.precision = Precision::kFp32})
          .at({0, 0});
  EXPECT_EQ(free.finish, Finish::kLength);
  ASSERT_EQ(free.ids.size(), 20u);
  source.eos_ids = {1000, free.ids[5]};
  const auto cut =
      samples_of(source, {prompt}, {.max_new_tokens = 20, .temperature = 0}, {.precision = Precision::kFp32})
          .at({0, 0});
  EXPECT_EQ(cut.finish, Finish::kEndOfText);
  const std::size_t first =
      static_cast<std::size_t>(std::find(free.ids.begin(), free.ids.end(), free.ids[5]) - free.ids.begin());
  EXPECT_EQ(cut.ids, std::vector<int32_t>(free.ids.begin(), free.ids.begin() + static_cast<std::ptrdiff_t>(first)));
}

TEST(Generate, CutsTheTextBeforeAStopStringThatSpansTokens) {
  const models::Pretrained source = tiny_model();
  const Prompt prompt{.ids = {'h', 'i'}, .num_samples = 40, .seed = Seed(1)};
  SamplingOptions sampling{.max_new_tokens = 40, .temperature = 3};
  const Samples free = samples_of(source, {prompt}, sampling, {.precision = Precision::kFp32});
  // A pair of letters that stands somewhere within a sample.
  std::string stop;
  for (const auto& [key, sample] : free)
    for (std::size_t i = 4; stop.empty() && i + 1 < sample.ids.size(); ++i)
      if (std::isalpha(sample.ids[i]) && std::isalpha(sample.ids[i + 1]) && sample.ids[i] < 128 &&
          sample.ids[i + 1] < 128)
        stop = {static_cast<char>(sample.ids[i]), static_cast<char>(sample.ids[i + 1])};
  ASSERT_EQ(stop.size(), 2u);
  sampling.stop = {"not in any text at all", stop};
  int64_t stopped = 0;
  for (const auto& [key, sample] : samples_of(source, {prompt}, sampling, {.precision = Precision::kFp32})) {
    const Sample& whole = free.at(key);
    const std::size_t cut = whole.text.find(stop);
    if (cut == std::string::npos) {
      EXPECT_EQ(sample.text, whole.text);
      EXPECT_NE(sample.finish, Finish::kStop);
      continue;
    }
    ++stopped;
    EXPECT_EQ(sample.finish, Finish::kStop);
    EXPECT_EQ(sample.text, whole.text.substr(0, cut));
    EXPECT_EQ(source.tokenizer->decode(sample.ids, true), sample.text);
    EXPECT_GE(sample.log_prob, whole.log_prob);
  }
  EXPECT_GE(stopped, 1);
}

TEST(Generate, BeginsAnEmptyPromptWithTheTokenThatBeginsATextOrSaysThatThereIsNone) {
  const models::Pretrained source = tiny_model();
  const SamplingOptions sampling{.max_new_tokens = 5, .temperature = 0};
  EXPECT_EQ(ids_of(samples_of(source, {{}}, sampling, {.precision = Precision::kFp32})),
            ids_of(samples_of(source, {{.ids = {257}}}, sampling, {.precision = Precision::kFp32})));
  models::Pretrained without = tiny_model(Precision::kFp32, {{"bos_token_id", nullptr}});
  text::TokenizerSpec spec = without.tokenizer->spec();
  spec.bos.reset();
  without.tokenizer = text::Tokenizer::from_spec(spec);
  EXPECT_THROW(samples_of(without, {{}}, sampling, {.precision = Precision::kFp32}), UserError);
}

TEST(Generate, NamesEveryPromptThatDoesNotFitTheContext) {
  const models::Pretrained source = tiny_model();
  std::vector<Prompt> prompts(4, Prompt{.ids = std::vector<int32_t>(10, 1)});
  prompts[1].ids.assign(391, 1);
  prompts[3].ids = {5, 262};
  try {
    samples_of(source, prompts, {.max_new_tokens = 10}, {.precision = Precision::kFp32});
    FAIL() << "nothing was thrown";
  } catch (const UserErrors& e) {
    ASSERT_EQ(e.mistakes().size(), 2u);
    EXPECT_EQ(
        e.mistakes()[0],
        "[generate] prompt 1: expected at most 390 tokens (the context of 400 less 10 new ones) but received 391");
    EXPECT_EQ(e.mistakes()[1], "[generate] prompt 3: expected tokens from 0 to 261 but received 262");
  }
  prompts[3].ids = {5}, prompts[1].ids.resize(390);
  EXPECT_EQ(
      samples_of(source, prompts, {.max_new_tokens = 10, .temperature = 0}, {.precision = Precision::kFp32}).size(),
      4u);
}

TEST(Generate, MakesNothingOfNothing) {
  const models::Pretrained source = tiny_model();
  EXPECT_TRUE(samples_of(source, {}, {}, {}).empty());
  EXPECT_TRUE(samples_of(source, {{.ids = {1}, .num_samples = 0}, {.ids = {2}, .num_samples = 0}}, {}, {}).empty());
  const Samples empty = samples_of(source, {{.ids = {1}, .num_samples = 2}}, {.max_new_tokens = 0}, {});
  ASSERT_EQ(empty.size(), 2u);
  EXPECT_TRUE(empty.at({0, 1}).ids.empty());
  EXPECT_EQ(empty.at({0, 1}).finish, Finish::kLength);
}

TEST(SlowGenerate, GreedyEqualsTransformersOnSmolLm2) {
  if (!std::filesystem::exists(smollm2_path()))
    GTEST_SKIP() << smollm2_path() << " is not here; scripts/setup fetches it";
  const models::Pretrained source = models::load_pretrained(smollm2_path());
  source.model->freeze(Precision::kFp32);
  const Json& rows = golden_rows().at("smollm2").at("rows");
  std::vector<Prompt> prompts;
  for (const Json& row : rows) {
    prompts.push_back({.ids = source.tokenizer->encode(row.at("text").get<std::string>()), .num_samples = 2});
    EXPECT_EQ(prompts.back().ids, row.at("ids").get<std::vector<int32_t>>());
  }
  const Samples samples =
      samples_of(source, prompts, {.max_new_tokens = 32, .temperature = 0}, {.precision = Precision::kFp32});
  std::vector<std::vector<int32_t>> texts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto expected = rows[i].at("greedy").get<std::vector<int32_t>>();
    if (expected.back() == 2) expected.pop_back();
    EXPECT_EQ(samples.at({static_cast<int64_t>(i), 0}).ids, expected) << rows[i].at("text");
    EXPECT_EQ(samples.at({static_cast<int64_t>(i), 1}).ids, expected);
    texts.push_back(prompts[i].ids);
  }
  const auto log_probs = score(*source.model, texts);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t t = 0; t < texts[i].size(); ++t)
      EXPECT_NEAR(log_probs[i][t], rows[i].at("log_probs")[t].get<double>(), 1e-3) << i << " " << t;
}

TEST(SlowGenerate, GivesTheSameSamplesOfSmolLm2WhateverTheBatch) {
  if (!std::filesystem::exists(smollm2_path()))
    GTEST_SKIP() << smollm2_path() << " is not here; scripts/setup fetches it";
  for (const Precision precision : {Precision::kBf16, Precision::kFp32}) {
    const models::Pretrained source = models::load_pretrained(smollm2_path());
    source.model->freeze(precision);
    const std::vector<Prompt> prompts = {
        {.ids = source.tokenizer->encode("Question: how many legs have 3 dogs?\nanswer ="),
         .num_samples = 4,
         .seed = Seed(1)},
        {.ids = source.tokenizer->encode("The"), .num_samples = 3, .seed = Seed(2)}};
    const SamplingOptions sampling{.max_new_tokens = 8, .temperature = 0.8};
    const Samples together = samples_of(source, prompts, sampling, {.max_batch = 64, .precision = precision});
    for (const int64_t max_batch : {1, 3}) {
      const Samples others = samples_of(source, prompts, sampling, {.max_batch = max_batch, .precision = precision});
      EXPECT_EQ(ids_of(others), ids_of(together));
      for (const auto& [key, sample] : together) EXPECT_EQ(others.at(key).log_prob, sample.log_prob);
    }
  }
}

}  // namespace
}  // namespace limbeck::generate
