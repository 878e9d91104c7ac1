// Properties of code points beyond those of text/unicode.h, for normalisers, pre-tokenisers and regular expressions,
// and lower case. The tables are those of the `tokenizers` library (unicode_property_data.h).
#pragma once

#include <cstdint>
#include <string>

namespace limbeck::text {

// Bits of a code point's properties.
enum CharProperty : uint32_t {
  kBertControl = 1 << 0,     // what BERT's clean_text removes
  kNonspacingMark = 1 << 1,  // what BERT's strip_accents removes
  kCombiningMark = 1 << 2,   // what StripAccents removes
  kPunctuation = 1 << 3,     // what Punctuation splits off; ASCII symbols too
  kHasLowerCase = 1 << 4,
  kJoinsBefore = 1 << 5,   // joins the grapheme before it
  kJoinsAfter = 1 << 6,    // joins the grapheme after it
  kJoinsNothing = 1 << 7,  // a grapheme by itself
  kCategoryLu = 1 << 8,    // \p{Lu} and so on in regular expressions
  kCategoryLl = 1 << 9,
  kCategoryLt = 1 << 10,
  kCategoryLm = 1 << 11,
  kCategoryLo = 1 << 12,
  kCategoryM = 1 << 13,
  kCategoryP = 1 << 14,
  kCategoryS = 1 << 15,
  kCategoryNd = 1 << 16,
};

// CharProperty bits of each of the 0x110000 code points.
const uint32_t* char_properties();

void append_lower_case(uint32_t code_point, std::string& out);  // may be several characters

}  // namespace limbeck::text
