#include "net/http_request.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace limbeck::net {
namespace {

bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

ParsedRequest refused(int status, std::string why) {
  ParsedRequest parsed;
  parsed.state = ParsedRequest::State::kRefused;
  parsed.status = status;
  parsed.why = std::move(why);
  return parsed;
}

// "GET /path?query HTTP/1.1"; "" when it is one, else what is wrong.
std::string read_request_line(std::string_view line, HttpRequest& request, bool& is_version_1_0) {
  const auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return "the request line has no method, target and version";
  const auto method = line.substr(0, first), target = line.substr(first + 1, last - first - 1),
             version = line.substr(last + 1);
  if (!is_token(method) || method.size() > 16) return "the method is none";
  if (target.empty() || target.front() != '/') return "the target does not begin with /";
  for (const char c : target)
    if (c <= ' ' || c == 0x7f) return "the target has a space or a control character in it";
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return "version";
  is_version_1_0 = version == "HTTP/1.0";
  request.method = method;
  request.path = target.substr(0, target.find('?'));
  return "";
}

std::string read_header(std::string_view line, HttpRequest& request) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return "a header line has no name";
  const auto value = without_spaces(line.substr(colon + 1));
  for (const char c : value)
    if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f)
      return "a header has a control character in it";
  request.headers.emplace_back(lower_case(line.substr(0, colon)), value);
  return "";
}

// The length that all Content-Length headers agree on; 0 where there is none.
std::optional<uint64_t> body_length(const HttpRequest& request) {
  std::optional<uint64_t> length;
  for (const auto& [name, value] : request.headers) {
    if (name != "content-length") continue;
    if (value.empty() || value.size() > 18 || value.find_first_not_of("0123456789") != std::string::npos)
      return std::nullopt;
    const uint64_t number = std::stoull(value);
    if (length && *length != number) return std::nullopt;
    length = number;
  }
  return length.value_or(0);
}

}  // namespace

const std::string* HttpRequest::header(std::string_view name) const {
  for (const auto& [there, value] : headers)
    if (there == name) return &value;
  return nullptr;
}

ParsedRequest parse_http_request(std::string_view bytes, const HttpLimits& limits) {
  const auto end = bytes.substr(0, limits.head + 4).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() > limits.head) return refused(431, "request line and headers are too long");
    // A client that speaks another language (TLS, say) is told so before the limit.
    if (!bytes.empty() && !is_token_character(bytes.front())) return refused(400, "this is not HTTP/1.1");
    return {};
  }
  ParsedRequest parsed;
  HttpRequest& request = parsed.request;
  bool is_version_1_0 = false;
  std::string_view head = bytes.substr(0, end);
  for (bool first = true; first || !head.empty(); first = false) {
    const auto line_end = std::min(head.find("\r\n"), head.size());
    const auto line = head.substr(0, line_end);
    head.remove_prefix(std::min(line_end + 2, head.size()));
    const std::string wrong = first ? read_request_line(line, request, is_version_1_0) : read_header(line, request);
    if (wrong == "version") return refused(505, "expected HTTP/1.1");
    if (!wrong.empty()) return refused(400, wrong);
  }
  if (request.header("transfer-encoding") != nullptr)
    return request.header("content-length") != nullptr
               ? refused(400, "a request has Content-Length or Transfer-Encoding, not both")
               : refused(501, "chunked requests are not read; send a Content-Length");
  const auto num_hosts =
      std::count_if(request.headers.begin(), request.headers.end(), [](const auto& h) { return h.first == "host"; });
  if (num_hosts > 1 || (num_hosts == 0 && !is_version_1_0)) return refused(400, "expected one Host header");
  const auto length = body_length(request);
  if (!length) return refused(400, "Content-Length is no number, or two numbers");
  if (request.method == "POST" && request.header("content-length") == nullptr)
    return refused(411, "expected a Content-Length");
  if (*length > limits.body) return refused(413, "the body is too large");
  const std::string* connection = request.header("connection");
  const std::string wish = connection != nullptr ? lower_case(*connection) : "";
  request.keep_alive = is_version_1_0 ? wish == "keep-alive" : wish.find("close") == std::string::npos;
  const std::size_t begin = end + 4;
  if (bytes.size() - begin < *length) {
    const std::string* expect = request.header("expect");
    parsed.wants_continue = expect != nullptr && lower_case(*expect) == "100-continue";
    return parsed;
  }
  request.body = bytes.substr(begin, *length);
  parsed.num_bytes = begin + *length;
  parsed.state = ParsedRequest::State::kWhole;
  return parsed;
}

}  // namespace limbeck::net
