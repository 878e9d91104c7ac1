#include "net/balance.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace limbeck::net {

std::optional<std::size_t> Balance::pick(double now, bool tried) const {
  std::optional<std::size_t> best;
  const auto load = [&](std::size_t i) {
    return std::tuple(tried && servers_[i].failures > 0, servers_[i].under_way, servers_[i].num_started, i);
  };
  for (std::size_t i = 0; i < servers_.size(); ++i)
    if (servers_[i].rests_until <= now && (!best || load(i) < load(*best))) best = i;
  return best;
}

double Balance::wakes_at() const {
  double first = std::numeric_limits<double>::infinity();
  for (const Server& server : servers_) first = std::min(first, server.rests_until);
  return first;
}

void Balance::succeeded(std::size_t server) {
  --servers_[server].under_way;
  servers_[server].failures = 0;
}

void Balance::failed(std::size_t server, double now, std::optional<double> asked, double uniform) {
  Server& failing = servers_[server];
  --failing.under_way;
  if (failing.rests_until <= now) ++failing.failures;
  if (!asked && failing.failures < 2) return;
  const double rest = asked ? *asked : back_off_seconds(back_off_, failing.failures - 1, uniform);
  failing.rests_until = std::max(failing.rests_until, now + rest);
}

}  // namespace limbeck::net
