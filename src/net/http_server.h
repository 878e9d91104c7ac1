// A small HTTP/1.1 server: a thread for each connection, so many connections at once, deadlines for everything that a
// client can be slow at. It listens on the loopback unless it is told otherwise. No TLS: what faces a network stands
// behind a proxy that has it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_request.h"

namespace limbeck::net {

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  int64_t port = 0;  // 0: one that is free
  HttpLimits limits;
  int64_t max_connections = 256;
  double request_seconds = 30;  // from a request's first byte to its last
  double idle_seconds = 60;     // between two requests of a connection
  double write_seconds = 30;    // that a client may take nothing
};

// The answer to one request: send() once, or begin_stream(), write()… and end_stream().
class HttpReply {
 public:
  virtual ~HttpReply() = default;
  using Headers = std::vector<std::pair<std::string, std::string>>;
  virtual void send(int status, std::string_view content_type, std::string_view body, const Headers& headers = {}) = 0;
  virtual void begin_stream(std::string_view content_type) = 0;
  virtual bool write(std::string_view bytes) = 0;  // false: the client is gone
  virtual void end_stream() = 0;
  virtual bool gone() = 0;  // whether the client has left
};

// {"error": {"message": …, "type": …}} as OpenAI's clients read it.
void send_error(HttpReply& reply, int status, const std::string& message, const HttpReply::Headers& headers = {});

class HttpServer {
 public:
  using Handler = std::function<void(const HttpRequest&, HttpReply&)>;  // called on many threads

  // Listens when it returns. Throws UserError when it cannot.
  HttpServer(const HttpServerOptions& options, Handler handler);
  ~HttpServer();  // stop(0)
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;
  int64_t num_connections() const;
  // Takes no new request, waits up to `seconds` for those under way, then cuts what is left.
  void stop(double seconds);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace limbeck::net
