// Files: whole reads, memory maps, and writes that are either complete under their final name or not there at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace limbeck {

// The whole file. Throws Error naming the path and the system's reason, and UserError for a file of more than `most`
// bytes: a file from outside may claim any size, and a sparse one costs nothing on disk.
std::string read_file(const std::filesystem::path& path, uint64_t most = UINT64_MAX);

// What a file may have that is parsed as a whole: the largest tokenizer.json have some 40 MB.
inline constexpr uint64_t kLargestTextFile = 1 << 28;  // bytes

// Writes to "path.tmp-PID", syncs, renames. A full disk or any other failure removes the temporary file and throws;
// what stood under `path` before stays.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// The same for output that is produced piece by piece: `write` is called with a sink for bytes.
using Sink = std::function<void(std::string_view)>;
void write_file_atomically(const std::filesystem::path& path, const std::function<void(const Sink&)>& write);

// Fills "path.tmp-PID/" through `fill`, syncs its files, and renames it to `path`; an older folder there is replaced.
void write_folder_atomically(const std::filesystem::path& path,
                             const std::function<void(const std::filesystem::path& folder)>& fill);

// Removes left-over temporaries ("NAME.tmp-*") of killed processes directly inside `folder`.
void remove_temporaries(const std::filesystem::path& folder);

// A read-only memory map of a whole file; pages are read when touched. Movable, not copyable.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Appends whole lines to a file; each line is one write(2), so a kill leaves at most one torn last line.
class LineAppender {
 public:
  // Opens for appending; a torn last line (no newline at the end) of an earlier kill is cut off first.
  explicit LineAppender(const std::filesystem::path& path);
  ~LineAppender();
  LineAppender(LineAppender&&) noexcept;
  LineAppender& operator=(LineAppender&&) = delete;
  void append(std::string_view line_without_newline);
  void sync();  // fdatasync

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

// SHA-256 in lower-case hex: of bytes, and of a file read through a map.
std::string sha256(std::string_view bytes);
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace limbeck
