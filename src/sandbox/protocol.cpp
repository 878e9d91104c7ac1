#include "sandbox/protocol.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cmath>
#include <csignal>
#include <cstring>

#include "sandbox/filter.h"

namespace limbeck::sandbox {
namespace {

// Exit status of a child whose report did not fit into what memory was left (supervisor.cpp).
constexpr int kOutOfMemoryStatus = 71;
constexpr std::size_t kMaxDetail = 200;  // bytes

template <class T>
T take(std::string_view& bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

// Length in bytes of the valid UTF-8 sequence at the start of `text`, 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (length == 3 && ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f))) return 0;
  if (length == 4 && ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f))) return 0;
  return length;
}

// Text of an untrusted program for logs and terminals: valid UTF-8, no control characters, at most 200 bytes.
std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const bool control = length == 1 && (static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7f);
    const bool c1_control = length == 2 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0;
    const std::string_view piece = length == 0 ? "?" : control || c1_control ? " " : text.substr(0, length);
    if (out.size() + piece.size() > kMaxDetail) break;
    out += piece;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

// The kernel's limit is in whole seconds and its clocks differ by a few ticks from those of rusage.
bool killed_by_processor_limit(const Reply& reply, const Limits& limits) {
  return WIFSIGNALED(reply.status) && WTERMSIG(reply.status) == SIGKILL &&
         reply.cpu_seconds > 0.95 * std::ceil(limits.cpu_seconds);
}

void read_report(std::string_view report, Verdict& verdict) {
  const char kind = report.empty() ? '\0' : report[0];
  if (kind == 'A' && report.size() == 10 && (report[1] == 'i' || report[1] == 'f')) {
    std::string_view number = report.substr(2);
    verdict.outcome = Outcome::kPassed;
    verdict.type = report[1] == 'i' ? AnswerType::kInt : AnswerType::kFloat;
    verdict.answer = take<double>(number);
  } else if (kind == 'O') {
    verdict.outcome = Outcome::kPassed;
    verdict.type = AnswerType::kOther;
    verdict.detail = "answer is of type " + printable(report.substr(1));
  } else if (report == "N") {
    verdict.outcome = Outcome::kPassed;
    verdict.detail = "answer is not bound";
  } else if (kind == 'E') {
    verdict.outcome = Outcome::kException;
    verdict.detail = printable(report.substr(1));
  } else if (report == "M") {
    verdict.outcome = Outcome::kMemory;
  } else {
    verdict.detail = report.empty() ? "ended without a report" : "its report cannot be read";
  }
}

}  // namespace

std::string request_frame(uint64_t id, std::string_view source) {
  std::string frame(16, '\0');
  const auto size = static_cast<uint32_t>(source.size());
  std::memcpy(frame.data(), &kRequestMagic, 4);
  std::memcpy(frame.data() + 4, &size, 4);
  std::memcpy(frame.data() + 8, &id, 8);
  return frame.append(source);
}

std::optional<Reply> ReplyReader::next() {
  if (buffer_.size() < 4) return std::nullopt;
  std::string_view bytes = buffer_;
  if (take<uint32_t>(bytes) != kReplyMagic) throw ProtocolLoss("a reply does not begin with its mark");
  if (buffer_.size() < kReplyHeader) return std::nullopt;
  const auto report_size = take<uint32_t>(bytes);
  Reply reply;
  reply.id = take<uint64_t>(bytes);
  reply.status = take<int32_t>(bytes);
  reply.flags = take<uint32_t>(bytes);
  reply.call = take<int32_t>(bytes);
  const auto zero = take<uint32_t>(bytes);
  reply.seconds = take<double>(bytes);
  reply.cpu_seconds = take<double>(bytes);
  if (report_size > kMaxReport + 1)
    throw ProtocolLoss(fmt::format("a reply announces a report of {} bytes", report_size));
  if (reply.flags > 15 || zero != 0) throw ProtocolLoss("a reply has unknown flags");
  if (!(reply.seconds >= 0 && reply.seconds < 1e6 && reply.cpu_seconds >= 0 && reply.cpu_seconds < 1e6))
    throw ProtocolLoss("a reply has an impossible duration");
  if (bytes.size() < report_size) return std::nullopt;
  reply.report = bytes.substr(0, report_size);
  buffer_.erase(0, kReplyHeader + report_size);
  return reply;
}

Verdict verdict_of(const Reply& reply, const Limits& limits) {
  Verdict verdict{.seconds = reply.seconds};
  if (reply.flags & kForbiddenFlag) {
    verdict.outcome = Outcome::kForbiddenCall;
    verdict.detail = name_of_call(reply.call);
  } else if (reply.flags & kOutputFlag) {
    verdict.outcome = Outcome::kOutputLimit;
    verdict.detail = fmt::format("more than {} bytes", limits.output_bytes);
  } else if (reply.flags & kFilesFlag) {
    verdict.outcome = Outcome::kOutputLimit;
    verdict.detail = fmt::format("more than {} files", kMaxMadeFiles);
  } else if (reply.flags & kTimedOutFlag) {
    verdict.outcome = Outcome::kTimeOut;
    verdict.detail = fmt::format("{} s", limits.seconds);
  } else if (reply.cpu_seconds > limits.cpu_seconds || killed_by_processor_limit(reply, limits)) {
    verdict.outcome = Outcome::kTimeOut;
    verdict.detail = fmt::format("{} s of processor time", limits.cpu_seconds);
  } else if (WIFSIGNALED(reply.status)) {
    verdict.outcome = Outcome::kKilled;
    verdict.detail = signal_name(WTERMSIG(reply.status));
  } else if (WEXITSTATUS(reply.status) == kOutOfMemoryStatus && reply.report.empty()) {
    verdict.outcome = Outcome::kMemory;
  } else if (WEXITSTATUS(reply.status) != 0) {
    verdict.outcome = Outcome::kKilled;
    verdict.detail = fmt::format("exit status {} before its end", WEXITSTATUS(reply.status));
  } else {
    read_report(reply.report, verdict);
  }
  if (verdict.outcome == Outcome::kMemory) verdict.detail = fmt::format("more than {} MiB", limits.memory_mib);
  return verdict;
}

}  // namespace limbeck::sandbox
