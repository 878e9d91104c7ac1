#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/message_of.h"
#include "net/raw_client.h"
#include "net/transfers.h"

namespace limbeck::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

void echo(const HttpRequest& request, HttpReply& reply) {
  reply.send(200, "text/plain", request.method + " " + request.path + " " + request.body, {{"X-Extra", "1"}});
}

HttpServerOptions hasty() {
  return {.limits = {.head = 1000, .body = 100},
          .max_connections = 4,
          .request_seconds = 0.3,
          .idle_seconds = 0.3,
          .write_seconds = 0.3};
}

const std::string kGet = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";
const std::string kGetOnce = "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

TEST(HttpServer, AnswersOneRequestAfterAnotherOnAConnection) {
  const HttpServer server(hasty(), echo);
  RawClient client(server.port());
  client.send(kGet + "POST /b HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  const std::string said = client.rest();
  EXPECT_THAT(said, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nX-Extra: 1\r\n"
                               "Content-Length: 7\r\n\r\nGET /a HTTP/1.1 200"));
  EXPECT_THAT(said, EndsWith("Connection: close\r\nX-Extra: 1\r\nContent-Length: 10\r\n\r\nPOST /b hi"));
}

TEST(HttpServer, OurOwnClientUnderstandsIt) {
  const HttpServer server(hasty(), echo);
  Transfers transfers;
  transfers.start(
      {.server = parse_url("http://localhost:" + std::to_string(server.port()), "test"), .path = "/x", .body = "{}"});
  std::vector<Response> ended;
  for (int i = 0; i < 50 && ended.empty(); ++i) ended = transfers.wait(0.1);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].status, 200);
  EXPECT_EQ(ended[0].body, "POST /x {}");
}

TEST(HttpServer, StreamsInChunks) {
  const HttpServer server(hasty(), [](const HttpRequest&, HttpReply& reply) {
    reply.begin_stream("text/event-stream");
    reply.write("data: 1\n\n");
    reply.write("");
    reply.write("data: 22\n\n");
    reply.end_stream();
  });
  RawClient client(server.port());
  client.send(kGetOnce);
  EXPECT_THAT(client.rest(),
              EndsWith("Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\na\r\ndata: 22\n\n\r\n0\r\n\r\n"));
}

TEST(HttpServer, ABrokenRequestGetsAnErrorAndTheConnectionEnds) {
  const HttpServer server(hasty(), echo);
  for (const auto& [bytes, status] : std::vector<std::pair<std::string, std::string>>{
           {"nonsense\r\n\r\n", "400"},
           {"GET /" + std::string(2000, 'x'), "431"},
           {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'), "413"},
           {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501"}}) {
    RawClient client(server.port());
    client.send(bytes);
    const std::string said = client.rest();
    EXPECT_THAT(said, StartsWith("HTTP/1.1 " + status)) << bytes;
    EXPECT_THAT(said, HasSubstr("{\"error\":{\"message\":")) << bytes;
  }
}

TEST(HttpServer, AHalfRequestTimesOut) {
  const HttpServer server(hasty(), echo);
  RawClient half(server.port()), silent(server.port()), slow(server.port());
  half.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  std::thread trickle([&] {
    for (int i = 0; i < 12; ++i) {
      slow.send("x");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  EXPECT_THAT(half.rest(), StartsWith("HTTP/1.1 408"));
  EXPECT_EQ(silent.rest(), "");
  EXPECT_THAT(slow.rest(), StartsWith("HTTP/1.1 408"));
  trickle.join();
}

TEST(HttpServer, AClientThatWaitsToSendItsBodyIsTold) {
  const HttpServer server(hasty(), echo);
  RawClient client(server.port());
  client.send(
      "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.some(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  EXPECT_THAT(client.rest(), EndsWith("POST / hi"));
}

TEST(HttpServer, MoreConnectionsThanItHoldsAreTurnedAwayAndEndedOnesMakeRoom) {
  const HttpServer server(hasty(), echo);
  {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 4; ++i) {
      clients.push_back(std::make_unique<RawClient>(server.port()));
      clients.back()->send(kGet);
      EXPECT_THAT(clients.back()->some(), StartsWith("HTTP/1.1 200"));
    }
    RawClient fifth(server.port());
    EXPECT_THAT(fifth.rest(), StartsWith("HTTP/1.1 503"));
  }
  for (int i = 0; i < 100 && server.num_connections() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  RawClient again(server.port());
  again.send(kGetOnce);
  EXPECT_THAT(again.rest(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, AHandlerSeesThatItsClientIsGone) {
  std::atomic<bool> seen = false;
  {
    HttpServer server(hasty(), [&](const HttpRequest&, HttpReply& reply) {
      for (int i = 0; i < 300 && !reply.gone(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      seen = reply.gone();
    });
    {
      RawClient client(server.port());
      client.send(kGet);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      EXPECT_FALSE(seen);
    }
    server.stop(3);
  }
  EXPECT_TRUE(seen);
}

TEST(HttpServer, AHandlerThatThrowsIsA500WithoutItsReason) {
  const HttpServer server(hasty(), [](const HttpRequest&, HttpReply&) { throw Error("/secret/path"); });
  RawClient client(server.port());
  client.send(kGet);
  const std::string said = client.rest();
  EXPECT_THAT(said, StartsWith("HTTP/1.1 500"));
  EXPECT_EQ(said.find("secret"), std::string::npos);
}

TEST(HttpServer, StopLetsWhatIsUnderWayEndAndTakesNothingNew) {
  HttpServer server(hasty(), [](const HttpRequest& request, HttpReply& reply) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    echo(request, reply);
  });
  RawClient client(server.port());
  client.send(kGet);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::string said;
  std::thread reading([&] { said = client.rest(); });
  server.stop(5);
  reading.join();
  EXPECT_THAT(said, HasSubstr("GET /a"));
  EXPECT_EQ(server.num_connections(), 0);
}

TEST(HttpServer, OnTheLoopbackANameFromElsewhereIsRefused) {
  const HttpServer server(hasty(), echo);
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: evil.example:8000\r\n\r\n");
  EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 403"));
}

TEST(HttpServer, AnAddressThatCannotBeListenedOnIsTheUsersMistake) {
  const HttpServer server(hasty(), echo);
  HttpServerOptions same = hasty();
  same.port = server.port();
  EXPECT_THAT(message_of<UserError>([&] { HttpServer(same, echo); }), HasSubstr("cannot listen on 127.0.0.1"));
  EXPECT_THAT(message_of<UserError>([&] { HttpServer({.host = "no such host"}, echo); }), HasSubstr("'no such host'"));
}

}  // namespace
}  // namespace limbeck::net
