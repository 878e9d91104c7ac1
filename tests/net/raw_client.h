// A client that sends whatever bytes a test wants to a port of the loopback.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "base/errors.h"

namespace limbeck::net {

class RawClient {
 public:
  explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = {.sin_family = AF_INET,
                                 .sin_port = htons(static_cast<uint16_t>(port)),
                                 .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw Error("no connection");
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes) const {
    static_cast<void>(!::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  // What comes next; "" when the server ended the connection, or after 10 s.
  std::string some() const {
    pollfd waiting = {.fd = socket_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 10'000) <= 0) return "";
    char bytes[65536];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    return count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : "";
  }
  // Everything until the server ends the connection.
  std::string rest() const {
    std::string text;
    for (std::string more = some(); !more.empty(); more = some()) text += more;
    return text;
  }

 private:
  int socket_;
};

}  // namespace limbeck::net
