// Which of several equal servers gets the next request: the one with the fewest under way, of those that do not rest
// after a failure. Time is handed in, in seconds of any clock that does not go back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "net/back_off.h"

namespace limbeck::net {

class Balance {
 public:
  Balance(std::size_t num_servers, const BackOff& back_off) : servers_(num_servers), back_off_(back_off) {}

  // None while all rest. `tried`: for a request that failed before, one that answered last is preferred, since the
  // least busy of the others is the one that fails at once.
  std::optional<std::size_t> pick(double now, bool tried = false) const;
  double wakes_at() const;  // when the first of them does not rest
  void started(std::size_t server) { ++servers_[server].under_way, ++servers_[server].num_started; }
  void succeeded(std::size_t server);
  // The server rests: for `asked` seconds where it asked for a time itself; else from the second failure in a row on,
  // longer after each. One that comes while it rests already adds nothing: the requests that one restart cuts off are
  // few failures, however many they are.
  void failed(std::size_t server, double now, std::optional<double> asked, double uniform);

 private:
  struct Server {
    int64_t under_way = 0, num_started = 0, failures = 0;
    double rests_until = 0;
  };
  std::vector<Server> servers_;
  BackOff back_off_;
};

}  // namespace limbeck::net
