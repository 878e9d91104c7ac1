#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace limbeck {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<bool> quiet = false;

bool is_terminal() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) && term != nullptr && std::string_view(term) != "dumb";
}

int terminal_width() {
  winsize size = {};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// The first `columns` characters; each takes one column here.
std::string first_columns(const std::string& text, int columns) {
  std::size_t end = 0;
  for (; end < text.size(); ++end)
    if ((static_cast<unsigned char>(text[end]) & 0xc0) != 0x80 && columns-- <= 0) break;
  return text.substr(0, end);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string duration_text(double seconds) {
  const auto s = static_cast<int64_t>(std::llround(seconds));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02} min", s / 60, s % 60);
  return fmt::format("{}:{:02} h", s / 3600, s / 60 % 60);
}

std::string rate_text(double rate) {
  if (rate >= 100) return fmt::format("{:.0f}", rate);
  return fmt::format("{:.3g}", rate);
}

// Eighths of a cell, so that a narrow bar still moves.
std::string bar(double fraction, int width) {
  static const char* const kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * width * 8);
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += "█";
  text += kEighths[eighths % 8];
  const int used = eighths / 8 + (eighths % 8 != 0);
  return text + std::string(static_cast<std::size_t>(width - used), ' ');
}

}  // namespace

Progress::Progress(std::string label, std::string unit, int64_t total, int64_t done)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      first_(done),
      done_(done),
      start_(Clock::now()),
      printed_(start_),
      terminal_(is_terminal()) {
  if (terminal_) print(false);
}

Progress::~Progress() {
  if (!finished_ && terminal_ && !quiet) std::fputc('\n', stderr);
}

void Progress::set(int64_t done, const std::string& note) {
  done_ = done;
  note_ = note;
  if (seconds_since(printed_) >= (terminal_ ? 0.1 : 10)) print(false);
}

void Progress::finish(const std::string& note) {
  if (std::exchange(finished_, true)) return;
  if (!note.empty()) note_ = note;
  print(true);
}

void Progress::be_quiet(bool value) {
  quiet = value;
}

void Progress::print(bool last) {
  printed_ = Clock::now();
  if (quiet) return;
  const double seconds = seconds_since(start_), rate = seconds > 0 ? static_cast<double>(done_ - first_) / seconds : 0;
  std::string tail = total_ > 0 ? fmt::format("{}/{} {}", done_, total_, unit_) : fmt::format("{} {}", done_, unit_);
  if (rate > 0) tail += fmt::format(", {} {}/s", rate_text(rate), unit_);
  if (last) {
    tail += ", took " + duration_text(seconds);
  } else if (rate > 0 && total_ > done_) {
    tail += fmt::format(", {} left", duration_text(static_cast<double>(total_ - done_) / rate));
  }
  if (!note_.empty()) tail += ", " + note_;
  if (!terminal_) {
    const std::string percent =
        total_ > 0 ? fmt::format(" {:.0f} %", 100.0 * static_cast<double>(done_) / static_cast<double>(total_)) : "";
    fmt::print(stderr, "{}:{} {}\n", label_, percent, tail);
    return;
  }
  std::string line = label_ + " ";
  const int room = terminal_width() - 1 - static_cast<int>(line.size() + tail.size()) - 3;
  if (total_ > 0 && room >= 8)
    line += "▕" + bar(static_cast<double>(done_) / static_cast<double>(total_), std::min(room, 30)) + "▏ ";
  // \r and "erase to the end" rather than blanks: a shorter line leaves nothing of a longer one.
  fmt::print(stderr, "\r{}\x1b[K{}", first_columns(line + tail, terminal_width() - 1), last ? "\n" : "");
  std::fflush(stderr);
}

}  // namespace limbeck
