#include "net/transfers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <map>
#include <thread>

#include "base/temporary_folder.h"
#include "net/loopback_server.h"

namespace limbeck::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Fault = Response::Fault;

Response post_once(Post post) {
  Transfers transfers;
  transfers.start(std::move(post));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < end) {
    auto ended = transfers.wait(0.1);
    if (!ended.empty()) return ended.front();
  }
  ADD_FAILURE() << "nothing ended";
  return {};
}

Post post_to(const LoopbackServer& server) {
  return {.server = parse_url(server.url() + "/v1", "test"), .path = "/echo", .body = "{\"a\":1}"};
}

TEST(Transfers, PostsJsonWithItsKeyAndBringsBackStatusAndBody) {
  std::string head, body;
  const LoopbackServer server([&](const LoopbackServer::Received& received) {
    head = received.head, body = received.body;
    return LoopbackServer::Reply{LoopbackServer::response(201, "{\"b\":2}", "Retry-After: 7\r\n")};
  });
  Post post = post_to(server);
  post.tag = 42, post.api_key = "k-123";
  const Response response = post_once(post);
  EXPECT_EQ(response.tag, 42);
  EXPECT_EQ(response.fault, Fault::kNone);
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "{\"b\":2}");
  EXPECT_EQ(response.retry_after, 7);
  EXPECT_EQ(body, "{\"a\":1}");
  EXPECT_THAT(head, HasSubstr("POST /v1/echo HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(head, HasSubstr("Authorization: Bearer k-123\r\n"));
}

TEST(Transfers, WithoutAKeyNoneIsSent) {
  std::string head;
  const LoopbackServer server([&](const LoopbackServer::Received& received) {
    head = received.head;
    return LoopbackServer::Reply{LoopbackServer::response(200, "{}")};
  });
  EXPECT_EQ(post_once(post_to(server)).status, 200);
  EXPECT_THAT(head, Not(HasSubstr("Authorization")));
}

TEST(Transfers, RunAtTheSameTime) {
  const LoopbackServer server([](const LoopbackServer::Received&) {
    return LoopbackServer::Reply{.bytes = LoopbackServer::response(200, "{}"), .delay = 0.1};
  });
  Transfers transfers;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    Post post = post_to(server);
    post.tag = i;
    transfers.start(post);
  }
  std::map<int64_t, int> ended;
  while (transfers.num_active() > 0)
    for (const auto& response : transfers.wait(0.1)) ++ended[response.tag];
  EXPECT_EQ(ended.size(), 10u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(700));
}

TEST(Transfers, ARedirectionIsNotFollowed) {
  const LoopbackServer server([](const LoopbackServer::Received&) {
    return LoopbackServer::Reply{LoopbackServer::response(307, "", "Location: http://127.0.0.1:1/\r\n")};
  });
  EXPECT_EQ(post_once(post_to(server)).status, 307);
  EXPECT_EQ(server.num_requests(), 1);
}

TEST(Transfers, WhatDoesNotConnectWasNotSent) {
  int port = 0;
  {
    const LoopbackServer server([](const auto&) { return LoopbackServer::Reply{}; });
    port = server.port();
  }
  const Response response =
      post_once({.server = parse_url("http://127.0.0.1:" + std::to_string(port), "test"), .path = "/", .body = "{}"});
  EXPECT_EQ(response.fault, Fault::kConnect);
  EXPECT_EQ(response.status, 0);
  EXPECT_THAT(response.detail, HasSubstr(std::to_string(port)));
}

TEST(Transfers, AServerThatHangsTimesOut) {
  const LoopbackServer server(
      [](const auto&) { return LoopbackServer::Reply{.bytes = "HTTP/1.1 200 X\r\n", .hang = true}; });
  Post post = post_to(server);
  post.timeout = 0.2;
  EXPECT_EQ(post_once(post).fault, Fault::kTimeOut);
}

TEST(Transfers, ACutConnectionIsAFaultWhereverItIsCut) {
  const std::string whole = LoopbackServer::response(200, "{\"text\":\"abcdefgh\"}");
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    const LoopbackServer server([&](const auto&) { return LoopbackServer::Reply{whole.substr(0, length)}; });
    EXPECT_EQ(post_once(post_to(server)).fault, Fault::kCut) << length;
  }
}

TEST(Transfers, WhatIsNotHttpIsAFault) {
  const LoopbackServer server([&](const auto&) { return LoopbackServer::Reply{"SSH-2.0-OpenSSH\r\n"}; });
  EXPECT_EQ(post_once(post_to(server)).fault, Fault::kCut);
}

TEST(Transfers, AResponseThatIsTooLargeIsCutOff) {
  const LoopbackServer server([](const auto&) {
    return LoopbackServer::Reply{"HTTP/1.1 200 X\r\n\r\n" + std::string(1 << 20, 'x')};  // its length is not told
  });
  Post post = post_to(server);
  post.max_bytes = 1000;
  const Response response = post_once(post);
  EXPECT_EQ(response.fault, Fault::kTooLarge);
  EXPECT_LE(response.body.size(), 1000u);
  EXPECT_THAT(response.detail, HasSubstr("more than 1000 bytes"));
}

TEST(Transfers, AreAbandonedWithTheirOwner) {
  const LoopbackServer server([](const auto&) { return LoopbackServer::Reply{.bytes = "", .hang = true}; });
  Transfers transfers;
  transfers.start(post_to(server));
  transfers.wait(0.05);
  EXPECT_EQ(transfers.num_active(), 1u);
}

// A server with a certificate that nobody vouches for, by the openssl program.
TEST(Transfers, ACertificateThatIsNotTrustedIsRefusedUnlessTheUserNamesIt) {
  const TemporaryFolder folder;
  const std::string in = "cd " + folder.path().string() + " && ";
  if (std::system((in + "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out cert "
                        "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 >/dev/null 2>&1")
                      .c_str()) != 0)
    GTEST_SKIP() << "the openssl program is not here";
  int port = 0;
  {
    const LoopbackServer free_port([](const auto&) { return LoopbackServer::Reply{}; });
    port = free_port.port();
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    const std::string command =
        in + "exec openssl s_server -key key -cert cert -www -quiet -accept 127.0.0.1:" + std::to_string(port) +
        " >/dev/null 2>&1";
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  Post post{.server = parse_url("https://127.0.0.1:" + std::to_string(port), "test"), .path = "/", .body = "{}"};
  Response response;
  for (int i = 0; i < 100; ++i) {
    response = post_once(post);
    if (response.fault != Fault::kConnect) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(response.fault, Fault::kTls) << response.detail;
  post.timeout = 0.2;  // -www answers no POST
  post.ca_file = (folder / "cert").string();
  EXPECT_NE(post_once(post).fault, Fault::kTls);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace
}  // namespace limbeck::net
