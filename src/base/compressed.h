// Text files that may be compressed: gzip (RFC 1952) and zstd (RFC 8878), known by their first bytes and not by their
// name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace limbeck {

// What decompressing may give. A file of some MB can hold petabytes of zeros, so beyond `free` the text may be at most
// `ratio` times as long as what it came from (JSON Lines of real data compress 3 to 30 times).
struct DecompressionLimits {
  uint64_t free = uint64_t{64} << 20;  // bytes
  uint64_t ratio = 300;
};

// The text of gzip members or zstd frames one after another; bytes that are neither come back as they are. Throws
// UserError naming `where`: cut short, broken, a checksum that does not hold, more than the limits allow.
std::string decompressed(std::string bytes, std::string_view where, const DecompressionLimits& limits = {});

// The whole file, decompressed where it is compressed.
std::string read_text_file(const std::filesystem::path& path);

}  // namespace limbeck
