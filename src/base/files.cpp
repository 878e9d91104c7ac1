#include "base/files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>  // renameat2, RENAME_EXCHANGE
#include <cstring>
#include <vector>

#include "base/errors.h"

namespace limbeck {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void system_fail(const fs::path& path, const char* what, int error) {
  const auto message = fmt::format("[{}] cannot {}: {}", path.string(), what, std::strerror(error));
  if (error == ENOENT || error == EACCES || error == EISDIR || error == ENOTDIR) throw UserError(message);
  if (error == ENOSPC || error == EDQUOT) throw Error(message + "; make room there and run the same command again");
  throw Error(message);
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, const char* what) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (fd_ < 0) system_fail(path, what, errno);
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

void write_all(int fd, const fs::path& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) system_fail(path, "write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void sync_path(const fs::path& path, int flags) {
  const Descriptor file(path, flags, "open to sync");
  // EINVAL: a file system that cannot sync this kind of file; there is nothing more to do about it.
  if (::fsync(file.get()) != 0 && errno != EINVAL) system_fail(path, "sync", errno);
}

void sync_parent(const fs::path& path) {
  const fs::path parent = path.parent_path();
  sync_path(parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
}

fs::path temporary_of(const fs::path& path) {
  return path.string() + ".tmp-" + std::to_string(::getpid());
}

// Where a path that is a symbolic link leads, so that the link itself stays.
fs::path follow_link(const fs::path& path) {
  std::error_code ignored;
  return fs::is_symlink(path, ignored) ? fs::weakly_canonical(path) : path;
}

bool is_special(const fs::path& path) {  // a pipe, a terminal, /dev/null: written in place
  std::error_code ignored;
  const auto status = fs::status(path, ignored);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

[[noreturn]] void refuse_size(const fs::path& path, uint64_t most, const std::string& received) {
  user_fail(path.string(), "expected a file of at most {} bytes but received {}", most, received);
}

std::string read_to_end(int fd, const fs::path& path, std::size_t expected, uint64_t most) {
  std::string bytes(expected, '\0');
  std::size_t size = 0;
  for (;;) {
    if (size == bytes.size()) bytes.resize(size + std::max<std::size_t>(65536, size / 2));
    const ssize_t n = ::read(fd, bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) system_fail(path, "read", errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
    if (size > most) refuse_size(path, most, "more");  // a pipe or a device has no size to ask for
  }
  bytes.resize(size);
  return bytes;
}

// Puts the folder `from` under the name `to`. Where the file system can exchange two names, that is one step, and at
// any moment either the old or the new folder stands there. Elsewhere the old one is moved to "to.old-PID" first;
// remove_temporaries moves it back if a kill came between.
void replace_folder(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return;  // nothing there, or an empty folder
  if (errno != ENOTEMPTY && errno != EEXIST) system_fail(to, "rename the finished folder to its name", errno);
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(from);
    return;
  }
  const fs::path old = to.string() + ".old-" + std::to_string(::getpid());
  fs::remove_all(old);
  if (::rename(to.c_str(), old.c_str()) != 0) system_fail(to, "move the older folder aside", errno);
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int error = errno;
    ::rename(old.c_str(), to.c_str());
    system_fail(to, "rename the finished folder to its name", error);
  }
  fs::remove_all(old);
}

// The process number at the end of "NAME.tmp-123"; 0 when the name does not look like that.
pid_t owner_of_temporary(const std::string& name, std::string_view mark, std::size_t& name_length) {
  const auto at = name.rfind(mark);
  if (at == std::string::npos || at == 0) return 0;
  const std::string digits = name.substr(at + mark.size());
  if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos) return 0;
  name_length = at;
  return std::stoi(digits);
}

bool is_another_living_process(pid_t pid) {
  return pid != ::getpid() && (::kill(pid, 0) == 0 || errno == EPERM);
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t most) {
  const Descriptor file(path, O_RDONLY, "open");
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) system_fail(path, "look at", errno);
  if (S_ISDIR(status.st_mode)) system_fail(path, "read", EISDIR);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > most) refuse_size(path, most, std::to_string(size));
  return read_to_end(file.get(), path, size + 1, most);
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  write_file_atomically(path, [&](const Sink& sink) { sink(bytes); });
}

void write_file_atomically(const fs::path& given, const std::function<void(const Sink&)>& write) {
  const fs::path path = follow_link(given);
  if (is_special(path)) {
    const Descriptor file(path, O_WRONLY, "open for writing");
    write([&](std::string_view bytes) { write_all(file.get(), path, bytes); });
    return;
  }
  const fs::path temporary = temporary_of(path);
  try {
    {
      const Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC, "create");
      std::string buffer;  // pieces are gathered, so that many small ones cost few system calls
      constexpr std::size_t kBuffer = 1 << 18;
      write([&](std::string_view bytes) {
        if (buffer.size() + bytes.size() > kBuffer) write_all(file.get(), temporary, buffer), buffer.clear();
        if (bytes.size() > kBuffer) return write_all(file.get(), temporary, bytes);
        buffer += bytes;
      });
      write_all(file.get(), temporary, buffer);
      if (::fsync(file.get()) != 0 && errno != EINVAL) system_fail(temporary, "sync", errno);
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      system_fail(path, "rename the finished file to its name", errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_parent(path);
}

void write_folder_atomically(const fs::path& given, const std::function<void(const fs::path&)>& fill) {
  const fs::path path = follow_link(given.has_filename() ? given : given.parent_path());
  const fs::path temporary = temporary_of(path);
  try {
    fs::remove_all(temporary);
    if (!fs::create_directory(temporary)) system_fail(temporary, "create the folder", EEXIST);
    fill(temporary);
    for (const auto& entry : fs::recursive_directory_iterator(temporary))
      if (!entry.is_symlink()) sync_path(entry.path(), O_RDONLY);
    sync_path(temporary, O_RDONLY | O_DIRECTORY);
    replace_folder(temporary, path);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
  sync_parent(path);
}

void remove_temporaries(const fs::path& folder) {
  if (!fs::is_directory(folder)) return;
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
  for (const auto& path : entries) {
    const std::string name = path.filename().string();
    std::size_t length = 0;
    if (const pid_t pid = owner_of_temporary(name, ".tmp-", length); pid > 0 && !is_another_living_process(pid)) {
      fs::remove_all(path);
    } else if (const pid_t old = owner_of_temporary(name, ".old-", length);
               old > 0 && !is_another_living_process(old)) {
      const fs::path final_name = folder / name.substr(0, length);
      if (fs::exists(final_name)) {
        fs::remove_all(path);
      } else {
        fs::rename(path, final_name);
      }
    }
  }
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  const Descriptor file(path, O_RDONLY, "open");
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) system_fail(path, "look at", errno);
  if (S_ISDIR(status.st_mode)) system_fail(path, "read", EISDIR);
  if (!S_ISREG(status.st_mode)) fail(path.string(), "expected a regular file but received a pipe or device");
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  void* data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) system_fail(path, "map", errno);
  data_ = static_cast<const std::byte*>(data);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

LineAppender::LineAppender(const fs::path& path) : path_(path) {
  Descriptor file(path, O_RDWR | O_CREAT | O_APPEND, "open for appending");
  off_t end = ::lseek(file.get(), 0, SEEK_END);
  if (end < 0) system_fail(path, "seek in", errno);
  // Looks for the last newline from the end backwards, a block at a time.
  off_t keep = end;
  bool found = end == 0;
  std::string block;
  while (!found && keep > 0) {
    const off_t from = std::max<off_t>(0, keep - 65536);
    block.resize(static_cast<std::size_t>(keep - from));
    const ssize_t n = ::pread(file.get(), block.data(), block.size(), from);
    if (n != static_cast<ssize_t>(block.size())) system_fail(path, "read the end of", n < 0 ? errno : EIO);
    const auto newline = block.rfind('\n');
    found = newline != std::string::npos;
    keep = found ? from + static_cast<off_t>(newline) + 1 : from;
  }
  if (keep != end && ::ftruncate(file.get(), keep) != 0) system_fail(path, "cut off the torn last line of", errno);
  descriptor_ = file.release();
}

LineAppender::~LineAppender() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

LineAppender::LineAppender(LineAppender&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

void LineAppender::append(std::string_view line) {
  if (line.find('\n') != std::string_view::npos)
    fail(path_.string(), "expected one line but received one with a newline in it");
  const std::string bytes = std::string(line) + "\n";
  const off_t before = ::lseek(descriptor_, 0, SEEK_END);
  try {
    write_all(descriptor_, path_, bytes);
  } catch (...) {                                               // a full disk may have taken a part of the line
    if (before >= 0 && ::ftruncate(descriptor_, before) != 0) { /* the next opening cuts it off */
    }
    throw;
  }
}

void LineAppender::sync() {
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) system_fail(path_, "sync", errno);
}

}  // namespace limbeck
