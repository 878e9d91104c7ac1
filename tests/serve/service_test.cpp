#include "serve/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <thread>

#include "base/json.h"
#include "base/seeds.h"
#include "base/temporary_folder.h"
#include "net/raw_client.h"
#include "serve/tiny_chat.h"
#include "teachers/record_served.h"
#include "teachers/served.h"

namespace limbeck::serve {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string http_post(const std::string& path, const std::string& body, const std::string& headers = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class ServiceOf : public testing::Test {
 protected:
  ServiceOptions options() const {
    return {.http = {.request_seconds = 2, .idle_seconds = 1},
            .engine = {.max_batch = 8, .max_queue = 16, .precision = Precision::kFp32},
            .api = {.max_samples = 8},
            .model_name = "tiny"};
  }
  // The whole answer to a request, head and body.
  static std::string said(const Service& service, const std::string& bytes) {
    const net::RawClient client(service.port());
    client.send(bytes);
    return client.rest();
  }
  static std::string get(const Service& service, const std::string& path, const std::string& headers = "") {
    return said(service, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n");
  }
  static std::string complete(const Service& service, const std::string& body, const std::string& headers = "") {
    return said(service, http_post("/v1/completions", body, headers));
  }
  static Json answer(const Service& service, const std::string& path, const std::string& body) {
    const std::string text = said(service, http_post(path, body));
    EXPECT_THAT(text, StartsWith("HTTP/1.1 200")) << text;
    return Json::parse(text.substr(text.find("\r\n\r\n") + 4), nullptr, false);
  }
  // The data of a stream's events.
  static std::vector<std::string> events(const std::string& text) {
    std::vector<std::string> found;
    for (std::size_t at = 0; (at = text.find("data: ", at)) != std::string::npos; at += 6)
      found.push_back(text.substr(at + 6, text.find("\n\n", at) - at - 6));
    return found;
  }
  models::Pretrained source_ = tiny_chat_model();
};

// Its answers take as long as they are let.
class EndlessService : public ServiceOf {
 protected:
  EndlessService() {
    source_ = generate::tiny_model(Precision::kFp32, {{"max_position_embeddings", 100'000}, {"eos_token_id", 261}});
    source_.eos_ids.clear();
  }
  const std::string endless_ = R"({"prompt":"a","max_tokens":60000,"temperature":3)";
};

TEST_F(ServiceOf, TellsItsHealthAndItsModel) {
  const Service service(source_, options());
  EXPECT_THAT(get(service, "/health"), HasSubstr("\"status\":\"ok\""));
  EXPECT_THAT(get(service, "/v1/models"), HasSubstr("\"id\":\"tiny\",\"object\":\"model\""));
}

TEST_F(ServiceOf, CompletesAsGenerateDoes) {
  const Service service(source_, options());
  const Json json =
      answer(service, "/v1/completions", R"({"model":"tiny","prompt":"abc","n":3,"max_tokens":9,"seed":4})");
  const auto expected = generate::samples_of(
      source_, {{.ids = {259, 'c'}, .num_samples = 3, .seed = Seed(4).derive("generate").derive(uint64_t{0})}},
      {.max_new_tokens = 9}, {.precision = Precision::kFp32});
  ASSERT_EQ(json.at("choices").size(), 3u);
  for (int64_t i = 0; i < 3; ++i)
    EXPECT_EQ(json.at("choices")[static_cast<std::size_t>(i)].at("text"), expected.at({0, i}).text);
  EXPECT_EQ(json.at("usage").at("prompt_tokens"), 2);
}

TEST_F(ServiceOf, AStreamSaysTheSameAsTheWholeAnswer) {
  const Service service(source_, options());
  const std::string body =
      R"({"messages":[{"role":"user","content":"hi"}],"n":2,"max_tokens":20,"seed":4,"temperature":1.5)";
  const Json whole = answer(service, "/v1/chat/completions", body + "}");
  const std::string stream = said(
      service, http_post("/v1/chat/completions", body + R"(,"stream":true,"stream_options":{"include_usage":true}})"));
  EXPECT_THAT(stream, HasSubstr("Content-Type: text/event-stream"));
  const auto all = events(stream);
  ASSERT_GT(all.size(), 4u);
  EXPECT_EQ(all.back(), "[DONE]");
  EXPECT_EQ(Json::parse(all[all.size() - 2]).at("usage"), whole.at("usage"));
  std::vector<std::string> texts(2);
  std::vector<int> num_finished(2);
  for (std::size_t i = 0; i + 2 < all.size(); ++i) {
    const Json choice = Json::parse(all[i]).at("choices")[0];
    const auto index = choice.at("index").get<std::size_t>();
    if (choice.at("delta").contains("content")) texts[index] += choice.at("delta").at("content").get<std::string>();
    num_finished[index] += choice.at("finish_reason").is_null() ? 0 : 1;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(texts[i], whole.at("choices")[i].at("message").at("content"));
    EXPECT_EQ(num_finished[i], 1);
  }
}

TEST_F(ServiceOf, OurOwnServedTeacherAsksIt) {
  const Service service(source_, options());
  const TemporaryFolder folder;
  teachers::ServedOptions served{.dialect = {.model = "tiny", .log_probs = true},
                                 .server = {.urls = {"http://127.0.0.1:" + std::to_string(service.port()) + "/v1"}}};
  std::vector<teachers::Question> questions;
  for (int i = 0; i < 20; ++i)
    questions.push_back(
        {.id = std::to_string(i), .prompt = "say " + std::to_string(i), .num_samples = 3, .seed = Seed(7)});
  using Texts = std::map<std::pair<int64_t, int64_t>, std::string>;
  const auto drawn = [&](const std::string& store) {
    Texts texts;
    teachers::served_teacher(served, folder / store)
        ->sample(questions, {.max_new_tokens = 12, .stop = {"q"}}, [&](const generate::Sample& sample) {
          texts[{sample.prompt_index, sample.sample_index}] = sample.text;
          EXPECT_LE(sample.log_prob, 0);
        });
    return texts;
  };
  const Texts eight = drawn("a.jsonl");
  EXPECT_EQ(eight.size(), 60u);
  served.server.concurrency = 1;
  EXPECT_EQ(drawn("b.jsonl"), eight) << "one at a time or eight";
}

TEST_F(ServiceOf, FillsAStoreOfLogProbabilitiesAsTheModelItselfDoes) {
  const Service service(source_, options());
  const TemporaryFolder folder;
  const std::vector<teachers::TaughtText> texts = {{.ids = {'a', 'b', 'c', 'd'}, .places = {1, 3}},
                                                   {.ids = {'x', 'y'}, .places = {1}}};
  const teachers::LogProbHeader header{
      .vocab_size = 262, .k = 6, .tokenizer = teachers::tokenizer_hash(*source_.tokenizer)};
  const teachers::ServedOptions served{
      .dialect = {.model = "tiny"}, .server = {.urls = {"http://127.0.0.1:" + std::to_string(service.port()) + "/v1"}}};
  teachers::LogProbWriter by_server(folder / "served", header), by_model(folder / "local", header);
  teachers::record_log_probs(served, texts, by_server, [](int64_t) {});
  teachers::record_log_probs(*source_.model, texts, 100, by_model, [](int64_t) {});
  const teachers::LogProbStore one(folder / "served"), other(folder / "local");
  for (const auto& text : texts) {
    std::map<int64_t, std::vector<std::pair<int32_t, float>>> of_one, of_other;
    const auto into = [](auto& all) {
      return [&all](int64_t place, const teachers::Prediction& prediction) {
        for (std::size_t i = 0; i < prediction.ids.size(); ++i)
          all[place].emplace_back(prediction.ids[i], prediction.log_probs[i]);
      };
    };
    one.read(text.ids, into(of_one));
    other.read(text.ids, into(of_other));
    ASSERT_EQ(of_one.size(), text.places.size());
    for (const auto& [place, tokens] : of_other)
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        EXPECT_EQ(of_one.at(place).at(i).first, tokens[i].first);
        EXPECT_NEAR(of_one.at(place).at(i).second, tokens[i].second, 2e-3);
      }
  }
}

TEST_F(ServiceOf, AsksForItsKey) {
  auto with_key = options();
  with_key.api_key = "sk-secret";
  const Service service(source_, with_key);
  const std::string body = R"({"prompt":"a","max_tokens":1})";
  EXPECT_THAT(complete(service, body), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(get(service, "/v1/models", "Authorization: Bearer sk-secreT\r\n"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(complete(service, body, "Authorization: Bearer sk-secret\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get(service, "/health"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServiceOf, WhatIsWrongGetsA4xxWithItsReason) {
  const Service service(source_, options());
  EXPECT_THAT(complete(service, "{\"prompt"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(complete(service, R"({"prompt":"x","temperature":"hot"})"), HasSubstr("[temperature] expected a number"));
  EXPECT_THAT(complete(service, R"({"prompt":"x","max_tokens":4000})"), HasSubstr("the context of 400"));
  EXPECT_THAT(complete(service, R"({"prompt":"x","model":"gpt"})"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get(service, "/v1/completions"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(get(service, "/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(said(service, http_post("/v1/chat/completions", R"({"messages":[]})")), StartsWith("HTTP/1.1 400"));
}

TEST_F(EndlessService, AFullQueueIsA503ThatSaysWhenToTryAgain) {
  auto small = options();
  small.engine.max_batch = 1, small.engine.max_queue = 1;
  const Service service(source_, small);
  std::vector<std::unique_ptr<net::RawClient>> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.push_back(std::make_unique<net::RawClient>(service.port()));
    waiting.back()->send(http_post("/v1/completions", endless_ + "}"));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the first one leaves the queue for the batch
  }
  const std::string refused = complete(service, R"({"prompt":"b","max_tokens":1})");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1\r\n"));
}

TEST_F(EndlessService, AClientThatLeavesFreesItsPlace) {
  const Service service(source_, options());
  const auto running = [&] { return get(service, "/health").find("\"running\":0") == std::string::npos; };
  for (const char* rest : {R"(,"stream":true})", "}"}) {
    {
      const net::RawClient client(service.port());
      client.send(http_post("/v1/completions", endless_ + rest));
      for (int i = 0; i < 200 && !running(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      EXPECT_TRUE(running()) << rest;
    }
    for (int i = 0; i < 200 && running(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_FALSE(running()) << rest;
  }
}

TEST_F(EndlessService, AnAnswerThatTakesTooLongIsA504) {
  auto hasty = options();
  hasty.request_seconds = 0.1;
  const Service service(source_, hasty);
  EXPECT_THAT(complete(service, endless_ + "}"), StartsWith("HTTP/1.1 504"));
  const std::string stream = complete(service, endless_ + R"(,"stream":true})");
  EXPECT_THAT(stream, HasSubstr("took more than"));
  EXPECT_THAT(stream, Not(HasSubstr("[DONE]")));
  EXPECT_THAT(stream, Not(EndsWith("\r\n0\r\n\r\n"))) << "nobody takes it for whole";
}

// Bytes at random from four sides at once, and it still serves.
TEST_F(ServiceOf, SurvivesHostileRequests) {
  const Service service(source_, options());
  const std::string body = R"({"model":"tiny","prompt":"abc","n":2,"max_tokens":3,"stop":["x"],"stream":false})";
  const std::string sound = http_post("/v1/completions", body);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Random random{Seed(t)};
      for (int round = 0; round < 60; ++round) {
        std::string bytes = sound;
        for (uint64_t i = random.below(6); i > 0; --i)
          bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
        const bool cut = random.below(3) == 0;
        if (cut) bytes.resize(random.below(bytes.size()));
        const net::RawClient client(service.port());
        client.send(bytes);
        if (cut || random.below(2) == 0) continue;  // leaves without reading
        const std::string text = client.some();
        if (!text.empty()) {
          EXPECT_THAT(text, StartsWith("HTTP/1.1 "));
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answer(service, "/v1/completions", body).at("choices").size(), 2u);
}

TEST_F(ServiceOf, StopLetsAnswersEnd) {
  Service service(source_, options());
  const net::RawClient client(service.port());
  client.send(http_post("/v1/completions", R"({"prompt":"a","max_tokens":300,"temperature":3,"seed":1})"));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  std::string text;
  std::thread reading([&] { text = client.rest(); });
  service.stop(10);
  reading.join();
  EXPECT_THAT(text, HasSubstr("\"finish_reason\":"));
}

}  // namespace
}  // namespace limbeck::serve
