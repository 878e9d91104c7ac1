#include "serve/api_response.h"

#include <gtest/gtest.h>

#include "generate/tiny_model.h"

namespace limbeck::serve {
namespace {

const AnswerFrame kCompletion{.endpoint = Endpoint::kCompletions, .id = "cmpl-1", .model = "m", .created = 7};
const AnswerFrame kChat{.endpoint = Endpoint::kChat, .id = "chatcmpl-1", .model = "m", .created = 7};

Token token(int32_t id) {
  return {.id = id, .log_prob = -0.5, .top = {.ids = {id, 'z'}, .log_probs = {-0.5F, -2.0F}}};
}

std::vector<Choice> two_choices() {
  std::vector<Choice> choices(2);
  choices[0].add({.text = "ab", .tokens = {token(259), token('!')}});
  choices[0].add({.text = "", .finish = generate::Finish::kStop, .num_drawn = 2, .num_kept = 1});
  choices[1].add(
      {.text = "c", .tokens = {token('c')}, .finish = generate::Finish::kLength, .num_drawn = 1, .num_kept = 1});
  return choices;
}

TEST(ApiResponse, OfACompletionIsAsOpenAiDocumentsIt) {
  const Json answer = whole_answer(kCompletion, two_choices(), 5, 1, *generate::byte_tokenizer());
  EXPECT_EQ(to_line(answer), to_line(Json::parse(R"({"id":"cmpl-1","object":"text_completion","created":7,"model":"m",
    "choices":[{"index":0,"text":"ab","logprobs":{"tokens":["ab"],"token_logprobs":[-0.5],
     "top_logprobs":[{"ab":-0.5,"z":-2.0}],"text_offset":[0]},"finish_reason":"stop"},
    {"index":1,"text":"c","logprobs":{"tokens":["c"],"token_logprobs":[-0.5],"top_logprobs":[{"c":-0.5,"z":-2.0}],
     "text_offset":[0]},"finish_reason":"length"}],
    "usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}})")));
}

TEST(ApiResponse, OfAChatIsAsOpenAiDocumentsIt) {
  auto choices = two_choices();
  choices.resize(1);
  const Json answer = whole_answer(kChat, choices, 5, 1, *generate::byte_tokenizer());
  EXPECT_EQ(to_line(answer), to_line(Json::parse(R"({"id":"chatcmpl-1","object":"chat.completion","created":7,
    "model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"ab"},"logprobs":{"content":[
      {"token":"ab","logprob":-0.5,"bytes":[97,98],"top_logprobs":[{"token":"ab","logprob":-0.5,"bytes":[97,98]},
       {"token":"z","logprob":-2.0,"bytes":[122]}]}]},
     "finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}})")));
}

TEST(ApiResponse, WithoutLogProbabilitiesHasNullForThem) {
  const Json answer = whole_answer(kCompletion, two_choices(), 5, -1, *generate::byte_tokenizer());
  EXPECT_TRUE(answer.at("choices")[0].at("logprobs").is_null());
}

TEST(ApiResponse, AnEchoHasThePromptInFront) {
  Choice choice;
  choice.add({.prompt = {token('b')}});
  choice.add({.text = "c", .tokens = {token('c')}, .finish = generate::Finish::kLength, .num_drawn = 1, .num_kept = 1});
  choice.echo({'a', 'b'}, *generate::byte_tokenizer());
  AnswerFrame frame = kCompletion;
  frame.token_ids = true;
  const Json answer = whole_answer(frame, {choice}, 2, 1, *generate::byte_tokenizer());
  EXPECT_EQ(to_line(answer.at("choices")[0]), to_line(Json::parse(R"({"index":0,"text":"abc","logprobs":{
    "tokens":["token_id:97","token_id:98","token_id:99"],"token_logprobs":[null,-0.5,-0.5],
    "top_logprobs":[null,{"token_id:98":-0.5,"token_id:122":-2.0},{"token_id:99":-0.5,"token_id:122":-2.0}],
    "text_offset":[0,1,2]},"finish_reason":"length"})")));
}

TEST(ApiResponse, ChunksOfAStreamCarryWhatIsNew) {
  const auto tokenizer = generate::byte_tokenizer();
  EXPECT_EQ(first_chunk(kChat, 1).at("choices")[0].at("delta").at("role"), "assistant");
  const Json middle = chunk(kChat, {.choice = 1, .text = "hi"}, -1, *tokenizer, 0);
  EXPECT_EQ(middle.at("object"), "chat.completion.chunk");
  EXPECT_EQ(middle.at("choices")[0].at("delta"), Json::parse(R"({"content":"hi"})"));
  EXPECT_TRUE(middle.at("choices")[0].at("finish_reason").is_null());
  const Json last = chunk(kChat, {.choice = 1, .finish = generate::Finish::kEndOfText}, -1, *tokenizer, 0);
  EXPECT_EQ(last.at("choices")[0].at("delta"), Json::object());
  EXPECT_EQ(last.at("choices")[0].at("finish_reason"), "stop");
  const Json text = chunk(kCompletion, {.text = "hi", .tokens = {token('h')}}, 0, *tokenizer, 9);
  EXPECT_EQ(text.at("choices")[0].at("text"), "hi");
  EXPECT_EQ(text.at("choices")[0].at("logprobs").at("text_offset")[0], 9);
  EXPECT_TRUE(usage_chunk(kChat, {{"total_tokens", 3}}).at("choices").empty());
}

}  // namespace
}  // namespace limbeck::serve
