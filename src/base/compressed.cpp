#include "base/compressed.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/errors.h"
#include "base/files.h"

namespace limbeck {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 18;  // bytes decompressed at once

// What was decompressed so far, and whether there may be more of it.
class Growing {
 public:
  Growing(uint64_t compressed, std::string_view where, const DecompressionLimits& limits)
      : most_(std::max(limits.free, compressed * limits.ratio)), where_(where), piece_(kPiece, '\0') {}

  char* piece() { return piece_.data(); }
  void add(std::size_t size) {
    text_.append(piece_, 0, size);
    if (text_.size() > most_)
      user_fail(where_, "expected at most {} bytes of text in a compressed file of this size but received more", most_);
  }
  std::string take() { return std::move(text_); }

 private:
  uint64_t most_;
  std::string_view where_;
  std::string piece_, text_;
};

[[noreturn]] void refuse(std::string_view where, std::string_view what) {
  user_fail(where, "expected whole {} data but received a file that is cut short or broken", what);
}

std::string from_gzip(const std::string& bytes, std::string_view where, const DecompressionLimits& limits) {
  Growing text(bytes.size(), where, limits);
  z_stream stream{};
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) fail(where, "expected zlib to start but it did not");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  std::size_t next = 0;  // first byte that zlib was not given
  while (true) {
    if (stream.avail_in == 0 && next < bytes.size()) {
      const std::size_t count = std::min<std::size_t>(bytes.size() - next, 1u << 30);  // avail_in has 32 bits
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + next));
      stream.avail_in = static_cast<uInt>(count);
      next += count;
    }
    stream.next_out = reinterpret_cast<Bytef*>(text.piece());
    stream.avail_out = kPiece;
    const int state = inflate(&stream, Z_NO_FLUSH);
    text.add(kPiece - stream.avail_out);
    if (state == Z_STREAM_END) {
      if (stream.avail_in == 0 && next == bytes.size()) return text.take();
      if (inflateReset(&stream) != Z_OK) refuse(where, "gzip");  // another member follows
    } else if (state != Z_OK) {                                  // also Z_BUF_ERROR: nothing is left to read
      refuse(where, "gzip");
    }
  }
}

std::string from_zstd(const std::string& bytes, std::string_view where, const DecompressionLimits& limits) {
  Growing text(bytes.size(), where, limits);
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) fail(where, "expected zstd to start but it did not");
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::size_t left = 0;  // of the frame; 0 at its end
  bool full = false;     // the piece was, so that there may be more without more input
  while (in.pos < in.size || full) {
    ZSTD_outBuffer out{text.piece(), kPiece, 0};
    left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left)) refuse(where, "zstd");
    text.add(out.pos);
    full = out.pos == out.size && left != 0;
  }
  if (left != 0) refuse(where, "zstd");
  return text.take();
}

}  // namespace

std::string decompressed(std::string bytes, std::string_view where, const DecompressionLimits& limits) {
  if (bytes.starts_with("\x1f\x8b")) return from_gzip(bytes, where, limits);
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return from_zstd(bytes, where, limits);
  return bytes;
}

std::string read_text_file(const std::filesystem::path& path) {
  return decompressed(read_file(path), path.string());
}

}  // namespace limbeck
