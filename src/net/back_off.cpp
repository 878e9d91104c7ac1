#include "net/back_off.h"

#include <algorithm>
#include <cmath>  // std::ldexp

namespace limbeck::net {

double back_off_seconds(const BackOff& options, int64_t failures, double uniform) {
  const auto doublings = static_cast<int>(std::clamp<int64_t>(failures - 1, 0, 60));
  return std::min(options.longest, std::ldexp(options.first, doublings)) * (0.5 + 0.5 * uniform);
}

}  // namespace limbeck::net
