// Frames between the judge and a supervisor. The supervisor's side is untrusted: a program may have broken out of
// Python and write to us in its place, so every field is checked before it is used.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sandbox/judge.h"

namespace limbeck::sandbox {

inline constexpr uint32_t kRequestMagic = 0x71424d4c;  // "LMBq"
inline constexpr uint32_t kReplyMagic = 0x72424d4c;    // "LMBr"
inline constexpr uint32_t kMaxReport = 1024;           // bytes
inline constexpr int kMaxMadeFiles = 1000;             // that a program may open to be made, empty ones too
inline constexpr uint64_t kReady = ~uint64_t{0};       // id of the first reply: the supervisor has started
inline constexpr std::size_t kReplyHeader = 48;        // bytes

enum ReplyFlags : uint32_t { kTimedOutFlag = 1, kOutputFlag = 2, kForbiddenFlag = 4, kFilesFlag = 8 };

// What the supervisor says about one program; `report` is what the program itself says.
struct Reply {
  uint64_t id = 0;
  int32_t status = 0;  // as wait(2) gives it
  uint32_t flags = 0;
  int32_t call = 0;  // number of the forbidden call
  double seconds = 0, cpu_seconds = 0;
  std::string report;
};

struct ProtocolLoss : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Header and source, as the supervisor reads them.
std::string request_frame(uint64_t id, std::string_view source);

// Collects bytes into replies. Throws ProtocolLoss at the first byte that cannot belong to one.
class ReplyReader {
 public:
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  std::optional<Reply> next();

 private:
  std::string buffer_;
};

// The verdict before the answer is compared: kPassed means that it ran to its end and bound `answer` to something.
Verdict verdict_of(const Reply& reply, const Limits& limits);

}  // namespace limbeck::sandbox
