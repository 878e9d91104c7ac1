#include "net/json_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <map>
#include <mutex>
#include <set>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/message_of.h"
#include "net/loopback_server.h"

namespace limbeck::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Reply = LoopbackServer::Reply;
using Received = LoopbackServer::Received;

// What a run of `count` requests {"n": i} brought.
struct Outcome {
  std::map<int64_t, std::string> bodies;
  int64_t num_failed = 0, num_charged = 0;  // charged: failed, and may have worked
};

Outcome ask(const ClientOptions& options, int64_t count, const std::function<bool(const Request&)>& may_send = {},
            const std::function<std::string(const std::string&)>& wrong = {}) {
  JsonClient client(options);
  Outcome outcome;
  int64_t next = 0;
  client.run({.next = [&]() -> std::optional<Request> {
                if (next == count) return std::nullopt;
                const int64_t n = next++;
                return Request{.tag = n, .path = "/ask", .body = to_line({{"n", n}})};
              },
              .may_send = [&](const Request& request) { return !may_send || may_send(request); },
              .received = [&](const Request& request, const std::string& body) -> std::string {
                if (wrong)
                  if (std::string what = wrong(body); !what.empty()) return what;
                EXPECT_TRUE(outcome.bodies.emplace(request.tag, body).second) << "received twice";
                return "";
              },
              .failed =
                  [&](const Request&, bool may_have_worked) {
                    ++outcome.num_failed;
                    outcome.num_charged += may_have_worked ? 1 : 0;
                  }},
             "run it again");
  return outcome;
}

ClientOptions quick(std::vector<std::string> urls) {
  return {.urls = std::move(urls), .connect_timeout = 1, .timeout = 1, .first_wait = 0.01, .longest_wait = 0.05};
}

Reply ok(const Received& received) {
  return {LoopbackServer::response(200, received.body)};
}

TEST(JsonClient, EveryRequestIsAnsweredOnceAndNoMoreThanSoManyAreUnderWay) {
  const LoopbackServer server([](const Received& received) {
    return Reply{.bytes = LoopbackServer::response(200, received.body), .delay = 0.005};
  });
  auto options = quick({server.url()});
  options.concurrency = 3;
  const auto outcome = ask(options, 40);
  ASSERT_EQ(outcome.bodies.size(), 40u);
  for (const auto& [tag, body] : outcome.bodies) EXPECT_EQ(body, to_line({{"n", tag}}));
  EXPECT_EQ(server.num_requests(), 40);
  EXPECT_LE(server.most_under_way(), 3);
  EXPECT_GE(server.most_under_way(), 2);
}

TEST(JsonClient, WhatPassesIsAskedAgain) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) {
    std::mutex mutex;
    std::set<std::string> seen;
    const LoopbackServer server([&](const Received& received) {
      const std::lock_guard lock(mutex);
      return seen.insert(received.body).second ? Reply{LoopbackServer::response(status, "{}")} : ok(received);
    });
    const auto outcome = ask(quick({server.url()}), 5);
    EXPECT_EQ(outcome.bodies.size(), 5u) << status;
    EXPECT_EQ(outcome.num_failed, 5) << status;
    EXPECT_EQ(outcome.num_charged, status == 502 || status == 504 ? 5 : 0) << status;
    EXPECT_EQ(server.num_requests(), 10) << status;
  }
}

TEST(JsonClient, ACutConnectionAndATimeOutAreAskedAgainAndMayHaveBeenCharged) {
  for (const Reply& fault :
       {Reply{"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n{\"te"}, Reply{.bytes = "", .hang = true}}) {
    const LoopbackServer server([&](const Received& received) { return received.number == 0 ? fault : ok(received); });
    auto options = quick({server.url()});
    options.timeout = 0.3;
    const auto outcome = ask(options, 1);
    EXPECT_EQ(outcome.bodies.size(), 1u);
    EXPECT_EQ(outcome.num_charged, 1);
  }
}

TEST(JsonClient, AResponseThatCannotBeUsedIsAskedForAgain) {
  const LoopbackServer server([](const Received& received) {
    return received.number < 2 ? Reply{LoopbackServer::response(200, "{\"half")} : ok(received);
  });
  const auto outcome = ask(quick({server.url()}), 1, {},
                           [](const std::string& body) { return Json::accept(body) ? std::string() : "no JSON"; });
  EXPECT_EQ(outcome.bodies.size(), 1u);
  EXPECT_EQ(outcome.num_charged, 2);
}

TEST(JsonClient, ItIsGivenUpAfterSoManyTimesWithTheLastReason) {
  const LoopbackServer server(
      [](const Received&) { return Reply{LoopbackServer::response(500, R"({"error":{"message":"no memory"}})")}; });
  auto options = quick({server.url() + "/v1"});
  options.retries = 3;
  EXPECT_THAT(
      message_of<Error>([&] { ask(options, 1); }),
      HasSubstr("[" + server.url() + "/v1/ask] no usable response, sent 4 times; the last time 500: no memory"));
  EXPECT_EQ(server.num_requests(), 4);
}

TEST(JsonClient, WhatTheUserMustMendEndsAtOnceWithAddressAndMessage) {
  struct Case {
    int status;
    std::string body, says;
  };
  const std::vector<Case> cases = {
      {400, R"({"error":{"message":"too long","type":"x"}})", "400: too long"},
      {401, R"({"error":"who are you"})", "401: who are you; name the environment variable"},
      {404, R"({"detail":"no such model"})", "404: no such model; is the address right"},
      {422, R"({"detail":[{"loc":"n"}]})", R"(422: [{"loc":"n"}])"},
      {418, "<html>", "418: <html>"},
      {429, R"({"error":{"message":"pay","code":"insufficient_quota"}})", "429: pay"},
      {307, "", "307: (no message); redirections are not followed"}};
  for (const Case& c : cases) {
    const LoopbackServer server([&](const Received&) { return Reply{LoopbackServer::response(c.status, c.body)}; });
    auto options = quick({server.url()});
    options.concurrency = 1;
    EXPECT_THAT(message_of<UserError>([&] { ask(options, 10); }), HasSubstr("[" + server.url() + "/ask] " + c.says));
    EXPECT_EQ(server.num_requests(), 1) << c.status;
  }
}

TEST(JsonClient, WhatIsUnderWayWhenItGivesUpIsStillReceived) {
  const LoopbackServer server([](const Received& received) {
    if (received.number == 0) return Reply{LoopbackServer::response(400, "{}")};
    return Reply{.bytes = LoopbackServer::response(200, received.body), .delay = 0.2};
  });
  auto options = quick({server.url()});
  options.concurrency = 4;
  JsonClient client(options);
  int64_t next = 0, num_received = 0;
  EXPECT_THROW(
      client.run(
          {.next = [&]() -> std::optional<Request> { return Request{.tag = next++, .path = "/ask", .body = "{}"}; },
           .may_send = [](const Request&) { return true; },
           .received = [&](const Request&, const std::string&) { return ++num_received, std::string(); },
           .failed = [](const Request&, bool) {}},
          ""),
      UserError);
  EXPECT_EQ(num_received, server.num_requests() - 1);
  EXPECT_GE(num_received, 1);
}

TEST(JsonClient, SeveralAddressesShareTheWorkAndAFailingOneLosesNothing) {
  const LoopbackServer good(ok);
  const LoopbackServer also(ok);
  const LoopbackServer bad([](const Received&) { return Reply{LoopbackServer::response(503, "{}")}; });
  auto options = quick({good.url(), bad.url(), also.url(), "http://127.0.0.1:1"});
  options.timeout = 10;
  options.retries = 2;  // once at each of the two that fail; then it goes to one that answers
  const auto outcome = ask(options, 200);
  EXPECT_EQ(outcome.bodies.size(), 200u);
  EXPECT_GT(good.num_requests(), 50);
  EXPECT_GT(also.num_requests(), 50);
  EXPECT_LT(bad.num_requests(), 50) << "it rests";
  EXPECT_EQ(good.num_requests() + also.num_requests(), 200);
}

TEST(JsonClient, WaitsAsLongAsTheServerAsks) {
  const LoopbackServer server([](const Received& received) {
    return received.number == 0 ? Reply{LoopbackServer::response(429, "{}", "Retry-After: 1\r\n")} : ok(received);
  });
  const auto begin = std::chrono::steady_clock::now();
  auto options = quick({server.url()});
  options.concurrency = 1;
  EXPECT_EQ(ask(options, 3).bodies.size(), 3u);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(990));
}

TEST(JsonClient, WhatMayNotBeSentIsNotAndTheRestIsReceivedBeforeItReturns) {
  const LoopbackServer server(ok);
  int64_t left = 7;
  const auto outcome = ask(quick({server.url()}), 100, [&](const Request&) { return left-- > 0; });
  EXPECT_EQ(outcome.bodies.size(), 7u);
  EXPECT_EQ(server.num_requests(), 7);
}

TEST(JsonClient, TheKeyComesFromTheEnvironmentAndIsInNoError) {
  const LoopbackServer server([](const Received& received) {
    const auto at = received.head.find("Bearer ");
    return Reply{
        LoopbackServer::response(401, to_line({{"error", "no such key: " + received.head.substr(at + 7, 16)}}))};
  });
  ::setenv("LIMBECK_TEST_KEY", "sk-0123456789abc", 1);
  auto options = quick({server.url()});
  options.api_key_env = "LIMBECK_TEST_KEY";
  const std::string said = message_of<UserError>([&] { ask(options, 1); });
  EXPECT_THAT(said, HasSubstr("no such key: [key]"));
  EXPECT_THAT(said, HasSubstr("is the key in $LIMBECK_TEST_KEY the right one?"));
  EXPECT_THAT(said, Not(HasSubstr("0123456789")));
}

TEST(JsonClient, ReportsAllMistakesOfItsOptionsAtOnce) {
  ::unsetenv("LIMBECK_TEST_NO_KEY");
  const std::string said = message_of<UserErrors>([&] {
    JsonClient({.urls = {"localhost", "ftp://x"}, .api_key_env = "LIMBECK_TEST_NO_KEY"});
  });
  EXPECT_THAT(said, HasSubstr("'localhost'"));
  EXPECT_THAT(said, HasSubstr("'ftp://x'"));
  EXPECT_THAT(said, HasSubstr("LIMBECK_TEST_NO_KEY but it is not set"));
  EXPECT_THAT(message_of<UserErrors>([&] { JsonClient(ClientOptions{}); }), HasSubstr("at least one address"));
}

TEST(JsonClient, AKeyDoesNotLeaveTheMachineInTheClear) {
  ::setenv("LIMBECK_TEST_KEY", "sk-0123456789abc", 1);
  ClientOptions options{.urls = {"http://10.1.2.3/v1"}, .api_key_env = "LIMBECK_TEST_KEY"};
  EXPECT_THAT(message_of<UserErrors>([&] { JsonClient{options}; }), HasSubstr("readable on the way"));
  options.key_without_tls = true;
  JsonClient{options};
}

// Ctrl-C in a process of its own: the flag of base/interrupt.h stays set.
TEST(JsonClient, CtrlCEndsAHangingRequestAtOnce) {
  const LoopbackServer server([](const Received&) { return Reply{.bytes = "", .hang = true}; });
  const std::string url = server.url();
  EXPECT_EXIT(
      {
        catch_interrupts();
        ::alarm(5);
        std::thread([] {
          std::this_thread::sleep_for(std::chrono::milliseconds(200));
          ::kill(::getpid(), SIGINT);
        }).detach();
        ClientOptions options = quick({url});
        options.timeout = 60;
        try {
          ask(options, 1);
        } catch (const Interrupted& interrupted) {
          ::_exit(interrupted.signal() == SIGINT ? 77 : 1);
        }
      },
      ::testing::ExitedWithCode(77), "");
}

}  // namespace
}  // namespace limbeck::net
