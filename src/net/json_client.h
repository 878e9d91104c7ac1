// Asks servers of one JSON interface many questions: so many at once, spread over several equal addresses, sent again
// after what passes (429, 5xx, cut connections, time-outs), given up after what does not (a wrong key, a wrong name).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/seeds.h"
#include "net/back_off.h"
#include "net/url.h"

namespace limbeck::net {

struct ClientOptions {
  std::vector<std::string> urls;
  std::string api_key_env;  // the NAME of the variable; its value is never written anywhere
  std::string ca_file;
  int64_t concurrency = 8, retries = 8;
  double connect_timeout = 10, timeout = 300;  // seconds
  double first_wait = 0.5, longest_wait = 60;  // seconds, of the back-off
  int64_t max_response_mib = 64;
  bool key_without_tls = false;
  void describe(Fields& f);
};

struct Request {
  int64_t tag = 0;
  std::string path, body;  // "/completions"; JSON
};

// What the caller makes of the requests. All are called on the thread of run().
struct Handler {
  // The next request; none: nothing more now. It is asked again after every response.
  std::function<std::optional<Request>()> next;
  // Whether this request may be sent now, asked before each time that it is; false: not before something else has
  // ended.
  std::function<bool(const Request&)> may_send;
  // The body of a 2xx response; "" when it can be used, else what is wrong with it: then it is asked for again.
  std::function<std::string(const Request&, const std::string& body)> received;
  // The request failed this time. `may_have_worked`: the server may have done the work (and may charge for it) although
  // no usable response came.
  std::function<void(const Request&, bool may_have_worked)> failed;
};

class JsonClient {
 public:
  // Throws UserErrors for addresses that are none, a variable that is not set, a key that would go over a network in
  // the clear.
  explicit JsonClient(const ClientOptions& options, Seed jitter = Seed(0));

  // Until `next` has none and none is under way, or `may_send` refuses and none is under way. Throws UserError with
  // address, status and the server's own message for what a repetition cannot mend, Error for a request that failed
  // more than `retries` times; what is under way then is waited for and handed to `received` first. Throws Interrupted
  // with `how_to_go_on` on Ctrl-C, at once.
  void run(const Handler& handler, const char* how_to_go_on);

  int64_t num_sent() const { return num_sent_; }
  const std::vector<Url>& urls() const { return urls_; }
  // The text with the key in it replaced, should a server send it back.
  std::string without_key(std::string text) const;

 private:
  struct Loop;
  ClientOptions options_;
  std::vector<Url> urls_;
  std::string api_key_;
  Random random_;
  int64_t num_sent_ = 0;
};

}  // namespace limbeck::net
