// A server on the loopback that answers with whatever bytes a test wants, whole or broken. It speaks just enough HTTP
// to know where a request ends.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "base/errors.h"

namespace limbeck::net {

class LoopbackServer {
 public:
  struct Received {
    int64_t number = 0;      // 0, 1, … in the order of arrival
    std::string head, body;  // head: with the empty line
  };
  struct Reply {
    std::string bytes;  // of the whole response, or of what there is of it
    double delay = 0;   // seconds before it
    bool hang = false;  // keep the connection afterwards until the other side ends it
  };
  using Script = std::function<Reply(const Received&)>;  // called from many threads

  explicit LoopbackServer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {.sin_family = AF_INET, .sin_port = 0, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 256) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw Error("no port to listen on");
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~LoopbackServer() {
    stopping_ = true;
    accepting_.join();
    while (open_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ::close(listener_);
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int64_t num_requests() const { return num_requests_; }
  int64_t most_under_way() const { return most_under_way_; }  // requests that were read and not answered, at once

  static std::string response(int status, const std::string& body, const std::string& headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
  }

 private:
  void accept_all() {
    while (!stopping_) {
      pollfd waiting = {.fd = listener_, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      ++open_;
      std::thread([this, connection] {
        serve(connection);
        ::close(connection);
        --open_;
      }).detach();
    }
  }

  // More bytes into `text`; false when the other side ended.
  bool receive(int connection, std::string& text) const {
    while (!stopping_) {
      pollfd waiting = {.fd = connection, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      char bytes[65536];
      const ssize_t count = ::recv(connection, bytes, sizeof bytes, 0);
      if (count <= 0) return false;
      text.append(bytes, static_cast<std::size_t>(count));
      return true;
    }
    return false;
  }

  void serve(int connection) {
    std::string text;
    std::size_t end = std::string::npos;
    while ((end = text.find("\r\n\r\n")) == std::string::npos)
      if (!receive(connection, text)) return;
    Received received{.number = 0, .head = text.substr(0, end + 4), .body = text.substr(end + 4)};
    const auto length = received.head.find("Content-Length: ");
    const std::size_t size =
        length == std::string::npos ? 0 : std::strtoull(received.head.c_str() + length + 16, nullptr, 10);
    while (received.body.size() < size)
      if (!receive(connection, received.body)) return;
    received.number = num_requests_++;
    const int64_t now = ++under_way_;
    for (int64_t most = most_under_way_; now > most && !most_under_way_.compare_exchange_weak(most, now);) continue;
    const Reply reply = script_(received);
    std::this_thread::sleep_for(std::chrono::duration<double>(reply.delay));
    --under_way_;  // before the other side can know of it
    for (std::size_t sent = 0; sent < reply.bytes.size();) {
      const ssize_t count = ::send(connection, reply.bytes.data() + sent, reply.bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
    if (reply.hang)
      while (receive(connection, text)) continue;
  }

  Script script_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int64_t> num_requests_ = 0, open_ = 0, under_way_ = 0, most_under_way_ = 0;
  std::thread accepting_;
};

}  // namespace limbeck::net
