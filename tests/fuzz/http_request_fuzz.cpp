// libFuzzer: any bytes are an incomplete request, a refused one or a whole one that lies inside them, and no request
// is read in two ways: one that is whole is the same whatever follows it.
#include <cstdlib>
#include <string>

#include "net/http_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace limbeck::net;
  using State = ParsedRequest::State;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const HttpLimits limits{.head = 512, .body = 256};
  const ParsedRequest parsed = parse_http_request(bytes, limits);
  if (parsed.state == State::kRefused && (parsed.status < 400 || parsed.status > 599 || parsed.why.empty()))
    std::abort();
  if (parsed.state != State::kWhole) return 0;
  if (parsed.num_bytes == 0 || parsed.num_bytes > size || parsed.request.body.size() > limits.body) std::abort();
  const ParsedRequest more = parse_http_request(bytes.substr(0, parsed.num_bytes) + "GET / HTTP/1.1\r\n", limits);
  if (more.state != State::kWhole || more.num_bytes != parsed.num_bytes || more.request.body != parsed.request.body)
    std::abort();
  return 0;
}
