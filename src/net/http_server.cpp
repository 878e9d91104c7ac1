#include "net/http_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>  // TCP_NODELAY
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

#include "base/errors.h"
#include "base/json.h"

namespace limbeck::net {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kGlance = 100;  // milliseconds between two looks at whether to stop

Clock::time_point in_seconds(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

const char* reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 503:
      return "Service Unavailable";
    default:
      return status < 500 ? "Refused" : "Failed";
  }
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

class SocketReply final : public HttpReply {
 public:
  SocketReply(int socket, bool keep_alive) : socket_(socket), keep_alive_(keep_alive) {}

  void send(int status, std::string_view content_type, std::string_view body, const Headers& headers) override {
    if (begun_) return;
    begun_ = true;
    std::string bytes = head(status, content_type, headers);
    bytes += fmt::format("Content-Length: {}\r\n\r\n", body.size());
    bytes += body;
    keep_alive_ = send_all(socket_, bytes) && keep_alive_;
  }
  void begin_stream(std::string_view content_type) override {
    if (begun_) return;
    begun_ = streaming_ = true;
    alive_ = send_all(socket_,
                      head(200, content_type, {{"Cache-Control", "no-store"}}) + "Transfer-Encoding: chunked\r\n\r\n");
  }
  bool write(std::string_view bytes) override {
    if (!bytes.empty()) alive_ = alive_ && send_all(socket_, fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
    return alive_;
  }
  void end_stream() override {
    alive_ = alive_ && send_all(socket_, "0\r\n\r\n");
    ended_ = true;
  }
  bool gone() override {
    pollfd state = {.fd = socket_, .events = POLLRDHUP, .revents = 0};
    return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }
  // Whether the connection can take another request. A stream that was not ended is cut, so that nobody takes it for
  // whole.
  bool keeps() const { return begun_ && keep_alive_ && (!streaming_ || (ended_ && alive_)); }
  bool begun() const { return begun_; }

 private:
  std::string head(int status, std::string_view content_type, const Headers& headers) const {
    std::string text = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nConnection: {}\r\n", status,
                                   reason_of(status), content_type, keep_alive_ ? "keep-alive" : "close");
    for (const auto& [name, value] : headers) text += fmt::format("{}: {}\r\n", name, value);
    return text;
  }

  int socket_;
  bool keep_alive_, begun_ = false, streaming_ = false, ended_ = false, alive_ = true;
};

bool is_loopback_name(std::string_view host) {
  if (host.starts_with("[")) return host.starts_with("[::1]");
  host = host.substr(0, host.find(':'));
  return host == "localhost" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

int listen_on(const HttpServerOptions& options) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &hints, &found);
      code != 0)
    user_fail("serve", "cannot listen on '{}': {}", options.host, ::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  int error = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const int listener = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    if (listener >= 0) {
      ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      if (::bind(listener, address->ai_addr, address->ai_addrlen) == 0 && ::listen(listener, 128) == 0) return listener;
    }
    error = errno;
    if (listener >= 0) ::close(listener);
  }
  user_fail("serve", "cannot listen on {} port {}: {}", options.host, options.port, std::strerror(error));
}

}  // namespace

void send_error(HttpReply& reply, int status, const std::string& message, const HttpReply::Headers& headers) {
  const char* type = status >= 500 ? "server_error" : status == 401 ? "authentication_error" : "invalid_request_error";
  reply.send(status, "application/json",
             to_line({{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", nullptr}}}}),
             headers);
}

struct HttpServer::State {
  HttpServerOptions options;
  Handler handler;
  int listener = -1;
  bool on_loopback = false;
  std::atomic<bool> stopping = false;
  std::thread accepting;
  mutable std::mutex mutex;  // guards what follows
  std::condition_variable ended;
  std::set<int> sockets;

  void accept_all() {
    while (!stopping) {
      pollfd waiting = {.fd = listener, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, kGlance) <= 0) continue;
      const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) {
        // Out of descriptors: those that are open will end.
        if (errno == EMFILE || errno == ENFILE) std::this_thread::sleep_for(std::chrono::milliseconds(kGlance));
        continue;
      }
      prepare(socket);
      begin(socket);
    }
  }

  void prepare(int socket) const {
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    const timeval patience = {.tv_sec = static_cast<time_t>(options.write_seconds),
                              .tv_usec = static_cast<suseconds_t>(options.write_seconds * 1e6) % 1'000'000};
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }

  void begin(int socket) {
    {
      const std::lock_guard lock(mutex);
      if (static_cast<int64_t>(sockets.size()) < options.max_connections) {
        try {
          std::thread([this, socket] { serve(socket); }).detach();
          sockets.insert(socket);
          return;
        } catch (const std::system_error&) {  // no more threads
        }
      }
    }
    SocketReply reply(socket, false);
    send_error(reply, 503, "too many connections", {{"Retry-After", "1"}});
    ::close(socket);
  }

  void serve(int socket) {
    try {
      std::string bytes;
      while (!stopping && serve_one(socket, bytes)) continue;
    } catch (...) {  // out of memory: this connection ends, the server does not
    }
    linger(socket);
    const std::lock_guard lock(mutex);
    sockets.erase(socket);
    ::close(socket);
    ended.notify_all();
  }

  // Closing while bytes of the client are unread would take back the answer that was sent.
  static void linger(int socket) {
    ::shutdown(socket, SHUT_WR);
    const auto deadline = in_seconds(0.5);
    char rest[16384];
    for (int i = 0; i < 256 && Clock::now() < deadline; ++i) {
      pollfd waiting = {.fd = socket, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, 50) < 0) return;
      if ((waiting.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && ::recv(socket, rest, sizeof rest, MSG_DONTWAIT) <= 0)
        return;
    }
  }

  // A request and its answer; false when the connection is to end.
  bool serve_one(int socket, std::string& bytes) {
    bool told_to_continue = false;
    auto deadline = in_seconds(bytes.empty() ? options.idle_seconds : options.request_seconds);
    bool idle = bytes.empty();
    ParsedRequest parsed = parse_http_request(bytes, options.limits);
    while (parsed.state == ParsedRequest::State::kIncomplete) {
      if (parsed.wants_continue && !told_to_continue) {
        told_to_continue = true;
        if (!send_all(socket, "HTTP/1.1 100 Continue\r\n\r\n")) return false;
      }
      if (stopping && idle) return false;
      if (Clock::now() > deadline) {
        if (!idle) refuse(socket, 408, "the request did not come in time");
        return false;
      }
      pollfd waiting = {.fd = socket, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, kGlance) <= 0) continue;
      char block[65536];
      const ssize_t count = ::recv(socket, block, sizeof block, 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      if (idle) deadline = in_seconds(options.request_seconds);
      idle = false;
      bytes.append(block, static_cast<std::size_t>(count));
      parsed = parse_http_request(bytes, options.limits);
    }
    if (parsed.state == ParsedRequest::State::kRefused) {
      refuse(socket, parsed.status, parsed.why);
      return false;
    }
    bytes.erase(0, parsed.num_bytes);
    return answer(socket, parsed.request);
  }

  bool answer(int socket, const HttpRequest& request) {
    SocketReply reply(socket, request.keep_alive && !stopping);
    const std::string* host = request.header("host");
    // A web page whose name was made to point here (DNS rebinding) still sends that name.
    if (on_loopback && host != nullptr && !is_loopback_name(*host)) {
      send_error(reply, 403, "this server is for this machine: expected localhost or 127.0.0.1 as Host");
      return false;
    }
    try {
      handler(request, reply);
      if (!reply.begun()) send_error(reply, 500, "no answer");
    } catch (const std::exception& e) {
      fmt::print(stderr, "{} {}: {}\n", request.method, request.path, e.what());
      send_error(reply, 500, "the server failed");
      return false;
    }
    return reply.keeps();
  }

  static void refuse(int socket, int status, const std::string& why) {
    SocketReply reply(socket, false);
    send_error(reply, status, why);
  }
};

HttpServer::HttpServer(const HttpServerOptions& options, Handler handler) : state_(std::make_unique<State>()) {
  state_->options = options;
  state_->handler = std::move(handler);
  state_->on_loopback = is_loopback_name(options.host) || options.host == "::1";
  state_->listener = listen_on(options);
  state_->accepting = std::thread([state = state_.get()] { state->accept_all(); });
}

HttpServer::~HttpServer() {
  stop(0);
  ::close(state_->listener);
}

int HttpServer::port() const {
  sockaddr_storage address = {};
  socklen_t size = sizeof address;
  ::getsockname(state_->listener, reinterpret_cast<sockaddr*>(&address), &size);
  return address.ss_family == AF_INET6 ? ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port)
                                       : ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

int64_t HttpServer::num_connections() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<int64_t>(state_->sockets.size());
}

void HttpServer::stop(double seconds) {
  state_->stopping = true;
  if (state_->accepting.joinable()) state_->accepting.join();
  std::unique_lock lock(state_->mutex);
  const auto none = [&] { return state_->sockets.empty(); };
  if (state_->ended.wait_until(lock, in_seconds(seconds), none)) return;
  for (const int socket : state_->sockets) ::shutdown(socket, SHUT_RDWR);
  state_->ended.wait(lock, none);
}

}  // namespace limbeck::net
