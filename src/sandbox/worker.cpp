#include "sandbox/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/profile.h"

namespace limbeck::sandbox {
namespace {

// One request runs and one waits in the channel: the supervisor never waits for us.
constexpr std::size_t kDepth = 2;
constexpr int kMaxAttempts = 2;
constexpr int kMaxLossesInARow = 8;

Descriptor in_memory(const std::vector<uint8_t>& bytes) {
  Descriptor file(memfd_create("filter", MFD_CLOEXEC));
  if (file.get() < 0 || write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
      lseek(file.get(), 0, SEEK_SET) != 0)
    fail("sandbox", "a file in memory for the filter: {}", std::strerror(errno));
  return file;
}

std::chrono::steady_clock::duration seconds(double count) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(count));
}

}  // namespace

void Worker::start() {
  stop();
  int channel[2], errors[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0)
    fail("sandbox", "socketpair: {}", std::strerror(errno));
  channel_.reset(channel[0]);
  Descriptor theirs(channel[1]);
  if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) != 0) fail("sandbox", "pipe: {}", std::strerror(errno));
  errors_.reset(errors[0]);
  Descriptor their_errors(errors[1]);
  fcntl(channel_.get(), F_SETFL, O_NONBLOCK);
  const Descriptor filter = in_memory(launch_.filter);
  reader_ = {};
  unsent_.clear();
  pid_ = start_process({.command = launch_.command,
                        .input = theirs.get(),
                        .errors = their_errors.get(),
                        .passed = filter.get(),
                        .user = launch_.user});
  theirs.reset();  // so that the channel ends when the supervisor does
  their_errors.reset();
  deadline_ = Clock::now() + seconds(launch_.patience);
  try {
    std::optional<Reply> reply;
    while (!reply) reply = exchange();
    if (reply->id != kReady) throw ProtocolLoss("it answered before it was ready");
  } catch (const ProtocolLoss& loss) {
    const std::string said = complaint();
    stop();
    fail("sandbox", "the isolated interpreter does not start: {}{}", loss.what(), said.empty() ? "" : "; " + said);
  }
}

void Worker::stop() {
  if (pid_ < 0) return;
  channel_.reset();
  end_process(pid_);
  pid_ = -1;
}

std::string Worker::complaint() {
  std::array<char, 1024> bytes;
  const ssize_t got = read(errors_.get(), bytes.data(), bytes.size());
  std::string text(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

void Worker::send(UnderWay& request) {
  request.id = next_id_++;
  unsent_ += request_frame(request.id, *request.job.source);
}

std::optional<Reply> Worker::exchange() {
  if (auto reply = reader_.next()) return reply;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
  if (left <= 0) throw ProtocolLoss("it gave no answer in time");
  const short wanted = unsent_.empty() ? POLLIN : POLLIN | POLLOUT;
  pollfd one{.fd = channel_.get(), .events = wanted, .revents = 0};
  if (poll(&one, 1, static_cast<int>(left) + 1) < 0 && errno != EINTR)
    fail("sandbox", "poll: {}", std::strerror(errno));
  if (one.revents & POLLOUT) {
    const ssize_t sent = ::send(channel_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
  }
  if (one.revents & (POLLIN | POLLHUP | POLLERR)) {
    std::array<char, 16384> bytes;
    const ssize_t got = recv(channel_.get(), bytes.data(), bytes.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) throw ProtocolLoss("it ended");
    if (got > 0) reader_.feed({bytes.data(), static_cast<std::size_t>(got)});
  }
  return reader_.next();
}

void Worker::restart_after(const std::string& reason, const std::function<void(const Job&, Verdict)>& give) {
  if (++losses_in_a_row_ > kMaxLossesInARow)
    fail("sandbox", "the isolated interpreter was lost {} times in a row: {}", losses_in_a_row_, reason);
  UnderWay& running = under_way_.front();
  if (++running.attempts > kMaxAttempts) {
    give(running.job, {.outcome = Outcome::kKilled, .detail = "its interpreter was lost: " + reason});
    under_way_.pop_front();
  }
  start();
  for (auto& request : under_way_) send(request);
  deadline_ = Clock::now() + seconds(limits_.seconds + launch_.patience);
}

void Worker::work(const std::function<std::optional<Job>()>& take,
                  const std::function<void(const Job&, Verdict)>& give) {
  under_way_.clear();
  if (pid_ < 0) start();
  deadline_ = Clock::now() + seconds(limits_.seconds + launch_.patience);
  bool more = true;
  while (true) {
    while (more && under_way_.size() < kDepth) {
      const auto job = take();
      more = job.has_value();
      if (more) send(under_way_.emplace_back(UnderWay{.job = *job}));
    }
    if (under_way_.empty()) return;
    try {
      const auto reply = exchange();
      if (!reply) continue;
      if (reply->id != under_way_.front().id) throw ProtocolLoss("it answered another request than the one it runs");
      record_past_span("program", "sandbox", reply->seconds);
      give(under_way_.front().job, verdict_of(*reply, limits_));
      under_way_.pop_front();
      losses_in_a_row_ = 0;
      deadline_ = Clock::now() + seconds(limits_.seconds + launch_.patience);
    } catch (const ProtocolLoss& loss) {
      restart_after(loss.what(), give);
    }
  }
}

}  // namespace limbeck::sandbox
