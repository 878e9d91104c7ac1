// The compression function of SHA-256 in its two forms; the hash itself is declared in files.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace limbeck {

using Sha256State = std::array<uint32_t, 8>;

// Takes in blocks of 64 bytes.
void sha256_compress_portable(Sha256State& state, const unsigned char* data, std::size_t num_blocks);

// The same with the processor's SHA instructions; does nothing and returns false where it has none.
bool sha256_compress_fast(Sha256State& state, const unsigned char* data, std::size_t num_blocks);

}  // namespace limbeck
