#include "net/http_request.h"

#include <gtest/gtest.h>

#include "base/seeds.h"

namespace limbeck::net {
namespace {

using State = ParsedRequest::State;

ParsedRequest parsed(std::string_view bytes, const HttpLimits& limits = {}) {
  return parse_http_request(bytes, limits);
}

const std::string kPost =
    "POST /v1/x?y=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nX-Name:  a b \r\n\r\nbody";

TEST(HttpRequest, IsReadWithItsHeadersAndBody) {
  const auto result = parsed(kPost + "GET / HTTP/1.1");
  ASSERT_EQ(result.state, State::kWhole);
  EXPECT_EQ(result.num_bytes, kPost.size());
  EXPECT_EQ(result.request.method, "POST");
  EXPECT_EQ(result.request.path, "/v1/x");
  EXPECT_EQ(result.request.body, "body");
  EXPECT_EQ(*result.request.header("x-name"), "a b");
  EXPECT_EQ(result.request.header("x-other"), nullptr);
  EXPECT_TRUE(result.request.keep_alive);
}

TEST(HttpRequest, EveryBeginningOfItIsIncomplete) {
  for (std::size_t length = 0; length < kPost.size(); ++length)
    EXPECT_EQ(parsed(kPost.substr(0, length)).state, State::kIncomplete) << length;
}

TEST(HttpRequest, KeepsTheConnectionAsTheVersionAndTheClientSay) {
  const auto keeps = [](const std::string& version, const std::string& header) {
    return parsed("GET / HTTP/" + version + "\r\nHost: a\r\n" + header + "\r\n").request.keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.1", "Connection: Close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: keep-alive\r\n"));
}

TEST(HttpRequest, SaysWhenTheClientWaitsToSendItsBody) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_TRUE(parsed(head).wants_continue);
  EXPECT_EQ(parsed(head + "body").state, State::kWhole);
}

TEST(HttpRequest, WhatIsNotWellFormedIsRefused) {
  struct Case {
    std::string bytes;
    int status;
  };
  const std::string host = "Host: a\r\n";
  for (const auto& [bytes, status] : std::vector<Case>{
           {"\x16\x03\x01", 400},
           {"GET\r\n\r\n", 400},
           {"GET /\r\n\r\n", 400},
           {"GET  HTTP/1.1\r\n" + host + "\r\n", 400},
           {"GET http://a/ HTTP/1.1\r\n" + host + "\r\n", 400},
           {"GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
           {"GET / HTTP/2.0\r\n" + host + "\r\n", 505},
           {"G(T / HTTP/1.1\r\n" + host + "\r\n", 400},
           {"GET / HTTP/1.1\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
           {"GET / HTTP/1.1\r\n" + host + "no colon\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\n" + host + " continued: x\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\n" + host + "space : x\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\n" + host + "a: b\x01\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\n" + host + "a: b\nc: d\r\n\r\n", 400},
           {"POST / HTTP/1.1\r\n" + host + "\r\n", 411},
           {"POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
           {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1e3\r\n\r\n", 400},
           {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", 400},
           {"POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400},
           {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999\r\n\r\n", 413},
           {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n", 501},
           {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400},
           {"GET /" + std::string(20000, 'x'), 431}}) {
    const auto result = parsed(bytes);
    EXPECT_EQ(result.state, State::kRefused) << bytes;
    EXPECT_EQ(result.status, status) << bytes;
    EXPECT_FALSE(result.why.empty());
  }
}

TEST(HttpRequest, LimitsAreToTheByte) {
  const HttpLimits limits{.head = kPost.size() - 8, .body = 4};
  EXPECT_EQ(parsed(kPost, limits).state, State::kWhole);
  EXPECT_EQ(parsed(kPost, {.head = limits.head - 1, .body = 4}).status, 431);
  EXPECT_EQ(parsed(kPost, {.head = limits.head, .body = 3}).status, 413);
}

// Whatever is changed in a request, it is read or refused, and what is read has the size that it says.
TEST(HttpRequest, ChangedBytesNeverReadPastTheEnd) {
  Random random(Seed(7));
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = kPost;
    for (uint64_t i = random.below(4) + 1; i > 0; --i) {
      const std::size_t at = random.below(bytes.size());
      switch (random.below(3)) {
        case 0:
          bytes[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          bytes.erase(at, random.below(8));
          break;
        default:
          bytes.insert(at, bytes.substr(random.below(bytes.size()), random.below(20)));
      }
      if (bytes.empty()) bytes = "x";
    }
    const auto result = parsed(bytes);
    if (result.state == State::kWhole) {
      EXPECT_LE(result.num_bytes, bytes.size());
      EXPECT_EQ(result.request.path.front(), '/');
    } else if (result.state == State::kRefused) {
      EXPECT_GE(result.status, 400);
    }
  }
}

}  // namespace
}  // namespace limbeck::net
