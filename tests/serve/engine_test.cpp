#include "serve/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <thread>

#include "base/message_of.h"
#include "generate/tiny_model.h"

namespace limbeck::serve {
namespace {

using ::testing::HasSubstr;

struct Collected {
  std::map<int64_t, std::string> texts;
  std::map<int64_t, Piece> last;
  std::map<int64_t, std::vector<Token>> tokens;
};

Collected collect(Ticket& ticket, std::size_t num_choices) {
  Collected result;
  while (result.last.size() < num_choices)
    for (Piece& piece : ticket.take(5)) {
      EXPECT_FALSE(result.last.contains(piece.choice)) << "a piece after the last one";
      result.texts[piece.choice] += piece.text;
      for (const Token& token : piece.tokens) result.tokens[piece.choice].push_back(token);
      if (piece.finish) result.last[piece.choice] = piece;
    }
  return result;
}

std::vector<int32_t> ids_of_text(const std::string& text) {
  return generate::byte_tokenizer()->encode_ordinary(text);
}

class Serving : public testing::Test {
 protected:
  models::Pretrained source_ = generate::tiny_model();
  static EngineOptions options() { return {.max_batch = 4, .precision = Precision::kFp32}; }
  // What generate() gives for the same jobs.
  generate::Samples expected(const std::vector<Job>& jobs) const {
    generate::Samples all;
    for (std::size_t i = 0; i < jobs.size(); ++i)
      for (auto& [key, sample] : generate::samples_of(
               source_, {{.ids = jobs[i].ids, .num_samples = jobs[i].num_samples, .seed = jobs[i].seed}},
               jobs[i].sampling, {.precision = Precision::kFp32}))
        all[{static_cast<int64_t>(i), key.second}] = sample;
    return all;
  }
};

TEST_F(Serving, GivesTheSamplesThatGenerateGivesWhateverElseIsUnderWay) {
  const std::string few_shot(150, 'e');  // a beginning that is worth keeping
  std::vector<Job> jobs;
  for (int i = 0; i < 12; ++i)
    jobs.push_back({.ids = ids_of_text((i % 3 == 0 ? "x" : few_shot) + std::string(static_cast<std::size_t>(i), 'a')),
                    .num_samples = 1 + i % 3,
                    .sampling = {.max_new_tokens = 5 + i,
                                 .temperature = i % 4 == 0 ? 0.0 : 1.5,
                                 .top_k = i % 2 == 0 ? 0 : 20,
                                 .repetition_penalty = i % 5 == 0 ? 1.3 : 1,
                                 .stop = {"q", "ab"}},
                    .seed = Seed(static_cast<uint64_t>(i))});
  Engine engine(source_, options());
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (const Job& job : jobs) {
    tickets.push_back(engine.submit({job}));
    ASSERT_NE(tickets.back(), nullptr);
    if (tickets.size() % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const auto samples = expected(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto collected = collect(*tickets[i], static_cast<std::size_t>(jobs[i].num_samples));
    for (int64_t s = 0; s < jobs[i].num_samples; ++s) {
      const auto& sample = samples.at({static_cast<int64_t>(i), s});
      EXPECT_EQ(collected.texts.at(s), sample.text) << i << " " << s;
      EXPECT_EQ(collected.last.at(s).finish, sample.finish);
      EXPECT_EQ(collected.last.at(s).num_kept, static_cast<int64_t>(sample.ids.size()));
    }
  }
  int64_t num_prompt_tokens = 0;
  for (const Job& job : jobs) num_prompt_tokens += static_cast<int64_t>(job.ids.size());
  EXPECT_LT(engine.figures().num_read, num_prompt_tokens - 300) << "what prompts begin with was borrowed";
}

TEST_F(Serving, ARequestOfSeveralPromptsHasItsChoicesInOrder) {
  Engine engine(source_, options());
  std::vector<Job> jobs;
  for (const char* text : {"ab", "cd", "x"})
    jobs.push_back({.ids = ids_of_text(text), .num_samples = 2, .sampling = {.max_new_tokens = 6}, .seed = Seed(5)});
  const auto ticket = engine.submit(jobs);
  const auto collected = collect(*ticket, 6);
  for (const auto& [key, sample] : expected(jobs))
    EXPECT_EQ(collected.texts.at(2 * key.first + key.second), sample.text);
}

TEST_F(Serving, TellsLogProbabilitiesAndTheLikeliestTokens) {
  Engine engine(source_, options());
  const Job job{.ids = ids_of_text("abc"), .sampling = {.max_new_tokens = 7, .temperature = 0}, .top_log_probs = 3};
  const auto ticket = engine.submit({job});
  const auto collected = collect(*ticket, 1);
  const auto sample = expected({job}).at({0, 0});
  const auto& tokens = collected.tokens.at(0);
  ASSERT_EQ(tokens.size(), sample.ids.size());
  double sum = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(tokens[i].id, sample.ids[i]);
    ASSERT_EQ(tokens[i].top.ids.size(), 3u);
    EXPECT_EQ(tokens[i].top.ids[0], tokens[i].id) << "greedy takes the likeliest";
    EXPECT_NEAR(tokens[i].top.log_probs[0], tokens[i].log_prob, 1e-5);
    sum += tokens[i].log_prob;
  }
  EXPECT_NEAR(sum, sample.log_prob, 1e-9);
}

TEST_F(Serving, TellsThePromptsLogProbabilitiesAndNeedsToDrawNothing) {
  Engine engine(source_, options());
  std::vector<std::vector<int32_t>> texts;
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (int i = 0; i < 5; ++i) {  // the longest is read in several steps
    texts.push_back(ids_of_text(std::string(static_cast<std::size_t>(2 + 80 * i), 'x') + "abq"));
    tickets.push_back(engine.submit(
        {{.ids = texts.back(), .sampling = {.max_new_tokens = 0}, .top_log_probs = 2, .tell_prompt = true}}));
  }
  const auto scores = generate::score(*source_.model, texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::vector<Token> prompt;
    bool ended = false;
    while (!ended)
      for (const Piece& piece : tickets[i]->take(5)) {
        if (!piece.prompt.empty()) prompt = piece.prompt;
        ended = ended || piece.finish;
      }
    ASSERT_EQ(prompt.size(), texts[i].size() - 1);
    for (std::size_t t = 0; t < prompt.size(); ++t) {
      EXPECT_EQ(prompt[t].id, texts[i][t + 1]);
      EXPECT_NEAR(prompt[t].log_prob, scores[i][t + 1], 1e-4);
      EXPECT_EQ(prompt[t].top.ids.size(), 2u);
    }
  }
}

TEST_F(Serving, AFullQueueTurnsAwayAndAGivenUpRequestMakesRoom) {
  auto small = options();
  small.max_batch = 1, small.max_queue = 2;
  Engine engine(source_, small);
  const Job slow{.ids = ids_of_text("a"), .sampling = {.max_new_tokens = 390, .temperature = 3}};
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (int i = 0; i < 200 && (tickets.empty() || tickets.back() != nullptr); ++i)
    tickets.push_back(engine.submit({slow}));
  ASSERT_EQ(tickets.back(), nullptr);
  const auto running = [&] { return engine.figures().num_running + engine.figures().num_waiting; };
  tickets.clear();
  for (int i = 0; i < 500 && running() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(running(), 0);
  const auto ticket = engine.submit({{.ids = ids_of_text("a"), .sampling = {.max_new_tokens = 3}}});
  ASSERT_NE(ticket, nullptr);
  EXPECT_EQ(collect(*ticket, 1).last.size(), 1u);
}

TEST_F(Serving, WhatCanNeverRunIsRefused) {
  auto small = options();
  small.cache_tokens = 200;
  Engine engine(source_, small);
  const auto said = [&](Job job) { return message_of<UserError>([&] { engine.submit({std::move(job)}); }); };
  EXPECT_THAT(said({}), HasSubstr("at least one token"));
  EXPECT_THAT(said({.ids = {5}, .sampling = {.max_new_tokens = 400}}),
              HasSubstr("at most 0 tokens (the context of 400"));
  EXPECT_THAT(said({.ids = {5}, .sampling = {.max_new_tokens = 200}}), HasSubstr("the server keeps 200"));
  EXPECT_THAT(said({.ids = {500}}), HasSubstr("tokens from 0 to 261"));
  EXPECT_THAT(said({.ids = {5}, .num_samples = 5}), HasSubstr("1 to 4 samples"));
  EXPECT_THAT(said({.ids = {5}, .sampling = {.max_new_tokens = 0}}), HasSubstr("max_tokens"));
}

TEST_F(Serving, EndsWithWhatIsUnderWay) {
  std::unique_ptr<Ticket> ticket;
  {
    Engine engine(source_, options());
    ticket = engine.submit({{.ids = ids_of_text("a"), .sampling = {.max_new_tokens = 390, .temperature = 3}}});
  }
  EXPECT_THROW(
      {
        while (true) ticket->take(1);
      },
      Error);
}

}  // namespace
}  // namespace limbeck::serve
