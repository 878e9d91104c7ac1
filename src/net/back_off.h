// How long to wait before a failed request is sent again: exponential, with jitter, so that many clients of a server
// that was away do not come back all at once.
#pragma once

#include <cstdint>

namespace limbeck::net {

struct BackOff {
  double first = 0.5, longest = 60;  // seconds
};

// After the failure number `failures` (1, 2, …): first * 2^(failures-1), at most `longest`, times a factor from a half
// to one that `uniform` in [0,1) chooses.
double back_off_seconds(const BackOff& options, int64_t failures, double uniform);

}  // namespace limbeck::net
