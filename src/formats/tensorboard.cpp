#include "formats/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>

#include "base/errors.h"
#include "formats/crc32c.h"

namespace limbeck::formats {
namespace {

// Protocol buffer wire format: a field is a tag (number and wire type) and its value.
enum class Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

static_assert(std::endian::native == std::endian::little, "events files hold little-endian numbers");

template <class T>
void put_fixed(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void put_varint(std::string& out, uint64_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
  out += static_cast<char>(value);
}
void put_tag(std::string& out, uint32_t field, Wire wire) {
  put_varint(out, field << 3 | static_cast<uint32_t>(wire));
}
void put_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  put_tag(out, field, Wire::kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

// Event { double wall_time = 1; int64 step = 2; ... }; a zero is not written, as proto3 has it.
std::string event_head(double wall_time, int64_t step) {
  std::string event;
  if (wall_time != 0) put_tag(event, 1, Wire::kFixed64), put_fixed(event, wall_time);
  if (step != 0) put_tag(event, 2, Wire::kVarint), put_varint(event, static_cast<uint64_t>(step));
  return event;
}

std::string version_event(double wall_time) {
  std::string event = event_head(wall_time, 0);
  put_bytes(event, 3, "brain.Event:2");  // file_version
  return event;
}

// session_log = 7 { status = 1: START = 1 }
std::string restart_event(double wall_time, int64_t step) {
  std::string log, event = event_head(wall_time, step);
  put_tag(log, 1, Wire::kVarint);
  put_varint(log, 1);
  put_bytes(event, 7, log);
  return event;
}

// summary = 5 { repeated value = 1 { string tag = 1; float simple_value = 2; } }
std::string scalars_event(double wall_time, int64_t step, const std::vector<std::pair<std::string, double>>& scalars) {
  std::string summary, event = event_head(wall_time, step);
  for (const auto& [tag, number] : scalars) {
    std::string value;
    put_bytes(value, 1, tag);
    put_tag(value, 2, Wire::kFixed32);
    put_fixed(value, static_cast<float>(number));
    put_bytes(summary, 1, value);
  }
  put_bytes(event, 5, summary);
  return event;
}

// TFRecord: length, its checksum, the bytes, theirs. The rotation keeps checksums of data that holds checksums apart.
uint32_t masked(uint32_t crc) {
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}
std::string record_of(std::string_view bytes) {
  std::string record;
  put_fixed(record, static_cast<uint64_t>(bytes.size()));
  put_fixed(record, masked(crc32c(record)));
  record += bytes;
  put_fixed(record, masked(crc32c(bytes)));
  return record;
}

double system_clock_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& folder, int64_t first_step, Clock clock)
    : clock_(clock ? std::move(clock) : system_clock_seconds) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("tensorboard", "{}: cannot create the folder: {}", folder.string(), error.message());
  const double now = clock_();
  // TensorBoard reads the files of a folder in the order of their names, so that a later one must sort after an earlier
  // one.
  for (int attempt = 0; descriptor_ < 0; ++attempt) {
    path_ = folder / fmt::format("events.out.tfevents.{:010}.limbeck.{:04}", static_cast<int64_t>(now), attempt);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST)
      fail("tensorboard", "{}: cannot create: {}", path_.string(), std::strerror(errno));
  }
  write_record(version_event(now));
  if (first_step > 0) write_record(restart_event(now, first_step));
}

TensorBoardWriter::~TensorBoardWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

TensorBoardWriter::TensorBoardWriter(TensorBoardWriter&& other) noexcept
    : clock_(std::move(other.clock_)),
      path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

void TensorBoardWriter::scalars(int64_t step, const std::vector<std::pair<std::string, double>>& tags_and_values) {
  write_record(scalars_event(clock_(), step, tags_and_values));
}

void TensorBoardWriter::write_record(const std::string& event) {
  const std::string record = record_of(event);
  std::string_view rest = record;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("tensorboard", "{}: cannot write: {}", path_.string(), std::strerror(errno));
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace limbeck::formats
