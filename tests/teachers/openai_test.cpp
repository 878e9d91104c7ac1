#include "teachers/openai.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/message_of.h"

namespace limbeck::teachers {
namespace {

using ::testing::HasSubstr;

TEST(RequestBody, OfACompletionHasWhatOpenAiDocuments) {
  const Json body =
      request_body({.model = "m"}, "once",
                   {.max_new_tokens = 9, .temperature = 0.5, .top_k = 50, .top_p = 0.9, .stop = {"\n", ""}}, 3, 77);
  EXPECT_EQ(body, Json::parse(R"({"model":"m","prompt":"once","max_tokens":9,"temperature":0.5,"n":3,"top_p":0.9,
                                   "stop":["\n"],"seed":77})"));
}

TEST(RequestBody, OfAChatHasItsMessages) {
  const Json body = request_body({.api = Api::kChat,
                                  .model = "m",
                                  .system = "be brief",
                                  .seeded = false,
                                  .log_probs = true,
                                  .token_limit = TokenLimit::kMaxCompletionTokens},
                                 "hi", {.max_new_tokens = 9}, 1, 77);
  EXPECT_EQ(
      body,
      Json::parse(R"({"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}],
                                   "logprobs":true,"max_completion_tokens":9,"temperature":1.0,"n":1})"));
}

TEST(RequestBody, SendsWhatOnlySomeServersTakeWhenAsked) {
  const Json body = request_body({.model = "m", .extensions = true}, "x",
                                 {.top_k = 40, .min_p = 0.1, .repetition_penalty = 1.1}, 1, 0);
  EXPECT_EQ(body.at("top_k"), 40);
  EXPECT_EQ(body.at("min_p"), 0.1);
  EXPECT_EQ(body.at("repetition_penalty"), 1.1);
}

TEST(RequestBody, SendsNoMoreStopsThanOpenAiTakes) {
  EXPECT_EQ(request_body({.model = "m"}, "x", {.stop = {"1", "2", "3", "4", "5"}}, 1, 0).at("stop").size(), 4u);
}

TEST(ReadAnswer, GivesTextsFinishesLogProbsAndCounts) {
  const Answer answer = read_answer(Api::kCompletions, R"({"id":"x","choices":[
      {"index":1,"text":"b","finish_reason":"length","logprobs":{"token_logprobs":[-0.5,-1.25]}},
      {"index":0,"text":"a","finish_reason":"stop","logprobs":null}],
      "usage":{"prompt_tokens":7,"completion_tokens":11,"total_tokens":18}})",
                                    5);
  ASSERT_EQ(answer.choices.size(), 2u);
  EXPECT_EQ(answer.choices[0].text, "a");
  EXPECT_EQ(answer.choices[0].finish, generate::Finish::kEndOfText);
  EXPECT_TRUE(std::isnan(answer.choices[0].log_prob));
  EXPECT_EQ(answer.choices[1].finish, generate::Finish::kLength);
  EXPECT_EQ(answer.choices[1].log_prob, -1.75);
  EXPECT_EQ(answer.prompt_tokens, 7);
  EXPECT_EQ(answer.completion_tokens, 11);
}

TEST(ReadAnswer, OfAChatTakesTheMessageAndARefusalIsAnAnswerWithoutText) {
  const Answer answer = read_answer(Api::kChat, R"({"choices":[
      {"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop",
       "logprobs":{"content":[{"token":"h","logprob":-0.25},{"token":"i","logprob":-0.5}]}},
      {"index":1,"message":{"role":"assistant","content":null,"refusal":"no"},"finish_reason":"stop"}]})",
                                    5);
  ASSERT_EQ(answer.choices.size(), 2u);
  EXPECT_EQ(answer.choices[0].text, "hi");
  EXPECT_EQ(answer.choices[0].log_prob, -0.75);
  EXPECT_EQ(answer.choices[1].text, "");
  EXPECT_EQ(answer.prompt_tokens, std::nullopt);
}

TEST(ReadAnswer, IndicesThatAreNoOrderAreLeftAlone) {
  for (const char* indices : {"[0,0]", "[1,7]", "[null,0]", "[-1,0]"}) {
    const Json pair = Json::parse(indices);
    const Answer answer = read_answer(
        Api::kCompletions,
        to_line({{"choices", {{{"index", pair[0]}, {"text", "a"}}, {{"index", pair[1]}, {"text", "b"}}}}}), 5);
    EXPECT_EQ(answer.choices[0].text, "a") << indices;
    EXPECT_EQ(answer.choices[1].text, "b") << indices;
  }
}

TEST(ReadAnswer, CountsThatCannotBeAreNone) {
  for (const char* count : {"-1", "\"many\"", "1e30", "null", "99999999999999999999"}) {
    const Answer answer = read_answer(
        Api::kCompletions, std::string(R"({"choices":[{"text":"a"}],"usage":{"prompt_tokens":)") + count + "}}", 1);
    EXPECT_EQ(answer.prompt_tokens, std::nullopt) << count;
  }
}

TEST(ReadAnswer, MoreChoicesThanWereAskedForAreLeftOut) {
  EXPECT_EQ(read_answer(Api::kCompletions, R"({"choices":[{"text":"a"},{"text":"b"}]})", 1).choices.size(), 1u);
}

TEST(ReadAnswer, WhatCannotBeUsedSaysWhatIsWrong) {
  for (const char* body : {"", "{\"choices\":[{\"te", "[]", "{}", "null", R"({"choices":[]})", R"({"choices":{}})",
                           R"({"choices":["a"]})", R"({"choices":[{"text":3}]})", R"({"choices":[{}]})"})
    EXPECT_THROW(read_answer(Api::kCompletions, body, 1), Error) << body;
  for (const char* body : {R"({"choices":[{"text":"a"}]})", R"({"choices":[{"message":"a"}]})",
                           R"({"choices":[{"message":{"content":[]}}]})"})
    EXPECT_THROW(read_answer(Api::kChat, body, 1), Error) << body;
  EXPECT_THAT(message_of([] { read_answer(Api::kCompletions, R"({"error":"x"})", 1); }), HasSubstr("expected choices"));
}

TEST(CutAtStop, CutsAtTheFirstOfTheTextsWhateverTheServerDid) {
  const Choice cut =
      cut_at_stop({.text = "one\ntwo # three", .finish = generate::Finish::kLength, .log_prob = -3}, {"#", "", "\n"});
  EXPECT_EQ(cut.text, "one");
  EXPECT_EQ(cut.finish, generate::Finish::kStop);
  EXPECT_TRUE(std::isnan(cut.log_prob));
  const Choice whole = cut_at_stop({.text = "one", .finish = generate::Finish::kLength, .log_prob = -3}, {"#"});
  EXPECT_EQ(whole.text, "one");
  EXPECT_EQ(whole.finish, generate::Finish::kLength);
  EXPECT_EQ(whole.log_prob, -3);
}

}  // namespace
}  // namespace limbeck::teachers
