#include "teachers/record_served.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/json.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "net/loopback_server.h"

namespace limbeck::teachers {
namespace {

using net::LoopbackServer;
using ::testing::HasSubstr;

// Token t of a text is predicted with 0.5, token t + 1 with 0.25; what vLLM adds beyond the text is there too.
Json predictions_for(const Json& prompt) {
  Json tokens = Json::array(), top = Json::array();
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    const int id = prompt[i].get<int>();
    tokens.push_back("token_id:" + std::to_string(id));
    top.push_back(i == 0 ? Json()
                         : Json{{"token_id:" + std::to_string(id + 1), std::log(0.25)},
                                {"token_id:" + std::to_string(id), std::log(0.5)}});
  }
  tokens.push_back("token_id:9"), top.push_back({{"token_id:9", -0.1}});
  return {{"choices", {{{"text", ""}, {"logprobs", {{"tokens", tokens}, {"top_logprobs", top}}}}}}};
}

std::string body_for(const std::vector<int32_t>& ids) {
  return to_line(predictions_for(Json(ids)));
}

std::vector<TaughtText> some_texts(int count) {
  std::vector<TaughtText> texts;
  for (int i = 0; i < count; ++i) texts.push_back({.ids = {i, 10, 20, 30}, .places = {2, 3}});
  return texts;
}

ServedOptions served_at(const std::string& url) {
  return {.dialect = {.model = "m"},
          .server = {.urls = {url}, .retries = 20, .first_wait = 0.005, .longest_wait = 0.02}};
}

LogProbHeader small_header() {
  return {.vocab_size = 262, .k = 5, .tokenizer = std::string(64, 'a')};
}

TEST(RecordServed, StoresWhatTheServerTellsWhateverFailsOnTheWay) {
  const TemporaryFolder folder;
  const auto texts = some_texts(40);
  const LoopbackServer server([&](const LoopbackServer::Received& received) -> LoopbackServer::Reply {
    const Json request = Json::parse(received.body);
    EXPECT_EQ(request.at("echo"), true);
    EXPECT_EQ(request.at("logprobs"), 5);
    if (received.number % 5 == 1) return {LoopbackServer::response(500, "")};
    if (received.number % 5 == 2) return {LoopbackServer::response(200, "{\"choices\":[{\"logp")};
    return {LoopbackServer::response(200, to_line(predictions_for(request.at("prompt"))))};
  });
  {
    LogProbWriter writer(folder / "s", small_header());
    int64_t num_done = 0;
    record_log_probs(served_at(server.url()), texts, writer, [&](int64_t done) { num_done = done; });
    EXPECT_EQ(num_done, 40);
    const int64_t num_requests = server.num_requests();
    record_log_probs(served_at(server.url()), texts, writer, [](int64_t) {});
    EXPECT_EQ(server.num_requests(), num_requests) << "all were there";
  }
  const LogProbStore store(folder / "s");
  for (const auto& text : texts) {
    std::map<int64_t, std::vector<int32_t>> ids;
    store.read(text.ids, [&](int64_t place, const Prediction& prediction) {
      ids[place] = {prediction.ids.begin(), prediction.ids.end()};
      EXPECT_NEAR(prediction.log_probs[0], std::log(0.5), 1e-3);
      EXPECT_NEAR(prediction.rest, 0.25, 1e-3);
    });
    EXPECT_EQ(ids, (std::map<int64_t, std::vector<int32_t>>{{2, {20, 21}}, {3, {30, 31}}}));
  }
}

TEST(RecordServed, StopsBeforeTheCap) {
  const TemporaryFolder folder;
  const LoopbackServer server([&](const LoopbackServer::Received& received) {
    return LoopbackServer::Reply{
        LoopbackServer::response(200, to_line(predictions_for(Json::parse(received.body).at("prompt"))))};
  });
  auto options = served_at(server.url());
  options.cap.tokens = 27;  // five texts of 4 tokens and one that is drawn
  LogProbWriter writer(folder / "s", small_header());
  EXPECT_THAT(message_of<UserError>([&] { record_log_probs(options, some_texts(40), writer, [](int64_t) {}); }),
              HasSubstr("after 5 of 40 texts: 25 tokens"));
  EXPECT_EQ(server.num_requests(), 5);
}

TEST(ReadPredictions, RefuseWhatIsNoAnswerToTheText) {
  const TaughtText text{.ids = {1, 2, 3}, .places = {1, 2}};
  EXPECT_EQ(read_predictions(body_for(text.ids), text, 1).at(0).ids, (std::vector<int32_t>{2}));
  const auto said = [&](const std::string& body) { return message_of([&] { read_predictions(body, text, 5); }); };
  EXPECT_THAT(said(body_for({1, 2, 4})), HasSubstr("expected token 3 at place 2"));
  EXPECT_THAT(said(body_for({1})), HasSubstr("the prompt's 3 tokens"));
  EXPECT_THAT(said(R"({"choices":[{"text":"x","logprobs":null}]})"), HasSubstr("echo with logprobs"));
  EXPECT_THAT(said(R"({"choices":[]})"), HasSubstr("expected choices"));
  EXPECT_THAT(said("[]"), HasSubstr("expected choices"));
  EXPECT_THAT(said(R"({"choices":[{"logprobs":{"tokens":["a","b","c"],"top_logprobs":[null,{},{}]}}]})"),
              HasSubstr("return_tokens_as_token_ids"));
  for (const char* entry : {"null", "{}", R"({"token_id:2":1.5})", R"({"token_id:2":"x"})", R"({"token_id:-2":-1})",
                            R"({"token_id:2":-0.1,"token_id:3":-0.1})"})
    EXPECT_THROW(
        read_predictions(std::string(R"({"choices":[{"logprobs":{"tokens":["token_id:1","token_id:2","token_id:3"],)") +
                             R"("top_logprobs":[null,)" + entry + "," + entry + "]}}]}",
                         text, 5),
        Error)
        << entry;
}

}  // namespace
}  // namespace limbeck::teachers
