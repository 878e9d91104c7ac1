// HTTP POSTs that are under way at the same time, on one thread, by libcurl. Certificates are checked, redirections are
// not followed (a key would go along), and nothing but http and https is spoken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/url.h"

namespace limbeck::net {

struct Post {
  int64_t tag = 0;  // of the caller, comes back with the response
  Url server;
  std::string path;                               // "/completions", after the server's address
  std::string body;                               // JSON
  std::string api_key;                            // "" for none
  std::string ca_file;                            // certificates to trust instead of the system's; "" for the system's
  double connect_timeout = 10, timeout = 300;     // seconds; the second is of the whole transfer
  std::size_t max_bytes = std::size_t{64} << 20;  // of a response
};

struct Response {
  enum class Fault {
    kNone,      // a whole response came, whatever its status
    kConnect,   // nothing was sent
    kTimeOut,   // sent, and no whole response in time
    kCut,       // sent, and the connection ended before the response did
    kTooLarge,  // more than max_bytes
    kTls        // the server's certificate is not trusted
  };
  int64_t tag = 0;
  Fault fault = Fault::kNone;
  int status = 0;          // of HTTP; 0 where none came
  std::string body;        // as far as it came
  std::string detail;      // libcurl's words for a fault
  double retry_after = 0;  // seconds that the server asks to wait (Retry-After); 0 for none
};

class Transfers {
 public:
  Transfers();
  ~Transfers();  // abandons what is under way
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  void start(Post post);
  // What has ended, after at most `seconds`; returns sooner when something ends.
  std::vector<Response> wait(double seconds);
  std::size_t num_active() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace limbeck::net
