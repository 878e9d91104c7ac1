// A guard before toml++, which bounds the nesting of values but not of dotted keys, and takes tables apart by
// recursion: a line of dots would end the program.
#pragma once

#include <cstdint>
#include <string_view>

namespace limbeck {

inline constexpr int kMaxKeyParts = 16;  // toml++ nests values 256 deep, each of which may have such a key

// The line of the first key of more parts; 0 when there is none.
int64_t line_of_endless_key(std::string_view toml);

}  // namespace limbeck
