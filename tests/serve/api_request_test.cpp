#include "serve/api_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "base/seeds.h"
#include "serve/tiny_chat.h"

namespace limbeck::serve {
namespace {

using ::testing::HasSubstr;

class Asked : public testing::Test {
 protected:
  ApiRequest completion(const std::string& body) const {
    return read_api_request(Endpoint::kCompletions, body, "tiny", source_, {.max_prompts = 3, .max_samples = 4},
                            Seed(1));
  }
  ApiRequest chat(const std::string& body) const {
    return read_api_request(Endpoint::kChat, body, "tiny", source_, {.default_max_tokens = 50}, Seed(1));
  }
  std::string refusal(const std::string& body) const {
    return message_of<UserError>([&] { completion(body); });
  }
  std::string chat_refusal(const std::string& body) const {
    return message_of<UserError>([&] { chat(body); });
  }
  std::string text(const Job& job) const { return source_.tokenizer->decode(job.ids); }
  models::Pretrained source_ = tiny_chat_model();
};

TEST_F(Asked, ACompletionHasOpenAisDefaults) {
  const auto asked = completion(R"({"prompt":"abc"})");
  ASSERT_EQ(asked.jobs.size(), 1u);
  EXPECT_EQ(text(asked.jobs[0]), "abc");
  EXPECT_EQ(asked.jobs[0].num_samples, 1);
  EXPECT_EQ(asked.jobs[0].sampling.max_new_tokens, 16);
  EXPECT_EQ(asked.jobs[0].sampling.temperature, 1);
  EXPECT_EQ(asked.jobs[0].sampling.top_p, 1);
  EXPECT_EQ(asked.jobs[0].top_log_probs, -1);
  EXPECT_FALSE(asked.stream);
  EXPECT_EQ(asked.num_prompt_tokens, 2) << "ab is one token";
}

TEST_F(Asked, EveryOptionReachesTheJob) {
  const auto asked = completion(R"({"model":"tiny","prompt":"x","n":3,"max_tokens":9,"temperature":0.5,"top_p":0.8,
      "top_k":7,"min_p":0.1,"repetition_penalty":1.2,"stop":["a",""],"seed":5,"stream":true,
      "stream_options":{"include_usage":true},"logprobs":2,"user":"somebody","presence_penalty":0,"logit_bias":{},
      "echo":false})");
  const auto& sampling = asked.jobs[0].sampling;
  EXPECT_EQ(asked.jobs[0].num_samples, 3);
  EXPECT_EQ(sampling.max_new_tokens, 9);
  EXPECT_EQ(sampling.temperature, 0.5);
  EXPECT_EQ(sampling.top_p, 0.8);
  EXPECT_EQ(sampling.top_k, 7);
  EXPECT_EQ(sampling.min_p, 0.1);
  EXPECT_EQ(sampling.repetition_penalty, 1.2);
  EXPECT_EQ(sampling.stop, (std::vector<std::string>{"a"}));
  EXPECT_EQ(asked.top_log_probs, 2);
  EXPECT_TRUE(asked.stream);
  EXPECT_TRUE(asked.with_usage);
  EXPECT_EQ(asked.jobs[0].seed.value(), Seed(5).derive("generate").derive(uint64_t{0}).value());
}

TEST_F(Asked, AnEchoMayDrawNothing) {
  const auto asked =
      completion(R"({"prompt":"abc","echo":true,"logprobs":3,"max_tokens":0,"return_tokens_as_token_ids":true})");
  EXPECT_TRUE(asked.echo);
  EXPECT_TRUE(asked.token_ids);
  EXPECT_TRUE(asked.jobs[0].tell_prompt);
  EXPECT_EQ(asked.jobs[0].sampling.max_new_tokens, 0);
  EXPECT_FALSE(completion(R"({"prompt":"abc","echo":true})").jobs[0].tell_prompt);
  EXPECT_THAT(refusal(R"({"prompt":"abc","echo":true,"n":2})"), HasSubstr("echo"));
}

TEST_F(Asked, APromptIsATextTextsOrTokens) {
  EXPECT_EQ(completion(R"({"prompt":["a","b"]})").jobs.size(), 2u);
  EXPECT_EQ(completion(R"({"prompt":[97,98]})").jobs[0].ids, (std::vector<int32_t>{97, 98}));
  EXPECT_EQ(completion(R"({"prompt":[[97],[98,99]]})").jobs[1].ids, (std::vector<int32_t>{98, 99}));
  EXPECT_EQ(completion(R"({"prompt":""})").jobs[0].ids, (std::vector<int32_t>{257})) << "the token that begins a text";
}

TEST_F(Asked, AChatIsWrittenByTheModelsTemplate) {
  const auto asked = chat(R"({"messages":[{"role":"system","content":"be"},{"role":"user","content":[
      {"type":"text","text":"hi"},{"type":"text","text":"!"}]}],
      "logprobs":true,"top_logprobs":4,"max_completion_tokens":12})");
  EXPECT_EQ(text(asked.jobs[0]), "[system]be[user]hi![assistant]");
  EXPECT_EQ(asked.top_log_probs, 4);
  EXPECT_EQ(asked.jobs[0].sampling.max_new_tokens, 12);
  EXPECT_EQ(chat(R"({"messages":[{"role":"user","content":"x"}]})").jobs[0].sampling.max_new_tokens, 50);
  const auto crowded = chat(R"({"messages":[{"role":"user","content":")" + std::string(370, 'x') + "\"}]}").jobs[0];
  EXPECT_EQ(crowded.sampling.max_new_tokens, 400 - static_cast<int64_t>(crowded.ids.size()))
      << "what there is room for";
}

TEST_F(Asked, WhatIsWrongIsNamed) {
  EXPECT_THAT(refusal("{"), HasSubstr("expected JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("JSON object"));
  EXPECT_THAT(refusal("{}"), HasSubstr("[prompt]"));
  for (const char* prompt : {"3", "[]", "{}", "[\"a\",3]", "[1,\"a\"]", "[-1]", "[99999999999]", "[[1.5]]", "[true]"})
    EXPECT_THAT(refusal(std::string("{\"prompt\":") + prompt + "}"), HasSubstr("[prompt]")) << prompt;
  EXPECT_THAT(refusal(R"({"prompt":["a","b","c","d"]})"), HasSubstr("at most 3 prompts"));
  for (const auto& [key, values] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"n", {"0", "5", "-1", "1.5", "\"1\"", "[]"}},
           {"max_tokens", {"0", "-3", "1e3", "99999999999"}},
           {"temperature", {"-0.1", "\"hot\"", "1e9", "{}"}},
           {"top_p", {"-1", "1.1", "true"}},
           {"stop", {"3", "[3]", "{\"a\":1}"}},
           {"seed", {"1.5", "\"x\"", "99999999999999999999"}},
           {"stream", {"1", "\"true\""}},
           {"logprobs", {"true", "-1", "300"}},
           {"suffix", {"\"x\""}},
           {"logit_bias", {"{\"5\":1}"}},
           {"presence_penalty", {"0.5"}},
           {"echo", {"1"}},
           {"best_of", {"2"}},
           {"response_format", {"{\"type\":\"json_object\"}", "3"}},
           {"model", {"3"}}})
    for (const std::string& value : values)
      EXPECT_THAT(refusal("{\"prompt\":\"x\",\"" + key + "\":" + value + "}"), HasSubstr(key)) << key << " " << value;
  EXPECT_THROW(completion(R"({"prompt":"x","model":"other"})"), UnknownModel);
}

TEST_F(Asked, WhatIsWrongInAChatIsNamed) {
  for (const char* messages :
       {"[]", "{}", "\"hi\"", "[3]", "[{}]", "[{\"role\":3}]", "[{\"role\":\"user\",\"content\":3}]",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]", "[{\"role\":\"user\",\"content\":[3]}]"})
    EXPECT_THAT(chat_refusal(std::string("{\"messages\":") + messages + "}"), HasSubstr("messages")) << messages;
  EXPECT_THAT(chat_refusal(R"({"messages":[{"role":"user","content":"x"}],"top_logprobs":3})"),
              HasSubstr("top_logprobs"));
}

// Whatever bytes a request is made of, it is understood or refused.
TEST_F(Asked, ChangedBytesAreUnderstoodOrRefused) {
  const std::string sound[] = {
      R"({"model":"tiny","prompt":["x",[1,2]],"n":3,"max_tokens":9,"temperature":0.5,"stop":["a"],"seed":5,"logprobs":2})",
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"logprobs":true,"top_logprobs":4})"};
  Random random(Seed(2));
  int64_t num_understood = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string body = sound[round % 2];
    for (uint64_t i = random.below(3) + 1; i > 0; --i) {
      const std::size_t at = random.below(body.size());
      if (random.below(2) == 0)
        body[at] = static_cast<char>(random.below(256));
      else
        body.replace(at, random.below(6), body.substr(random.below(body.size()), random.below(10)));
      if (body.empty()) body = "x";
    }
    try {
      read_api_request(round % 2 == 0 ? Endpoint::kCompletions : Endpoint::kChat, body, "tiny", source_, {}, Seed(1));
      ++num_understood;
    } catch (const UserError&) {
    }
  }
  EXPECT_GT(num_understood, 10);
}

}  // namespace
}  // namespace limbeck::serve
