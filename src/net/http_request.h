// An HTTP/1.1 request from its bytes (RFC 9112). Whoever sends it is not trusted: what is not plainly well formed is
// refused, for two readers that understand one request in two ways are how requests are smuggled.
// Not here: chunked request bodies, continued header lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace limbeck::net {

struct HttpRequest {
  std::string method, path;                                  // "POST", "/v1/models"; a query is cut off
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  bool keep_alive = true;
  const std::string* header(std::string_view lower_case_name) const;  // the first of that name; null for none
};

struct HttpLimits {
  std::size_t head = std::size_t{16} << 10;  // bytes of request line and headers
  std::size_t body = std::size_t{4} << 20;
};

struct ParsedRequest {
  enum class State { kIncomplete, kWhole, kRefused };
  State state = State::kIncomplete;
  bool wants_continue = false;  // incomplete, and the client waits for "100 Continue" before it sends the body
  HttpRequest request;          // when whole
  std::size_t num_bytes = 0;    // that it took, when whole
  int status = 0;               // when refused: 400, 411, 413, 431, 501 or 505
  std::string why;
};

// Of the first request in `bytes`, of which more may come.
ParsedRequest parse_http_request(std::string_view bytes, const HttpLimits& limits);

}  // namespace limbeck::net
