// Where one user-perceived character ends and the next begins (Unicode standard annex 29), as far as SentencePiece's
// precompiled maps can tell: clusters of emoji, flags and Indic conjuncts are longer than what such a map looks up as a
// whole, so they are not joined here.
#pragma once

#include <cstdint>

namespace limbeck::text {

// The end of the cluster that begins at `at`; at < end, valid UTF-8.
const char* end_of_grapheme(const char* at, const char* end);

}  // namespace limbeck::text
