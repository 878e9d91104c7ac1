#include "text/unicode_properties.h"

#include <unordered_map>
#include <vector>

#include "text/unicode.h"
#include "text/unicode_property_data.h"

namespace limbeck::text {
namespace {

std::vector<uint32_t> make_properties() {
  std::vector<uint32_t> properties(0x110000, 0);
  const auto mark = [&](const auto& ranges, uint32_t bit) {
    for (const auto& range : ranges)
      for (uint32_t c = range.first; c <= range.last; ++c) properties[c] |= bit;
  };
  mark(unicode_data::kControls, kBertControl);
  mark(unicode_data::kNonspacingMarks, kNonspacingMark);
  mark(unicode_data::kCombiningMarks, kCombiningMark);
  mark(unicode_data::kPunctuation, kPunctuation);
  mark(unicode_data::kJoinBefore, kJoinsBefore);
  mark(unicode_data::kJoinAfter, kJoinsAfter);
  mark(unicode_data::kJoinNothing, kJoinsNothing);
  mark(unicode_data::kCategoryLu, kCategoryLu);
  mark(unicode_data::kCategoryLl, kCategoryLl);
  mark(unicode_data::kCategoryLt, kCategoryLt);
  mark(unicode_data::kCategoryLm, kCategoryLm);
  mark(unicode_data::kCategoryLo, kCategoryLo);
  mark(unicode_data::kCategoryM, kCategoryM);
  mark(unicode_data::kCategoryP, kCategoryP);
  mark(unicode_data::kCategoryS, kCategoryS);
  mark(unicode_data::kCategoryNd, kCategoryNd);
  const uint32_t* at = std::begin(unicode_data::kLowercase);
  for (; at != std::end(unicode_data::kLowercase); at += 2 + at[1]) properties[*at] |= kHasLowerCase;
  return properties;
}

std::unordered_map<uint32_t, const uint32_t*> make_lower_cases() {  // to the length, followed by the code points
  std::unordered_map<uint32_t, const uint32_t*> found;
  const uint32_t* at = std::begin(unicode_data::kLowercase);
  for (; at != std::end(unicode_data::kLowercase); at += 2 + at[1]) found[*at] = at + 1;
  return found;
}

}  // namespace

const uint32_t* char_properties() {
  static const std::vector<uint32_t> properties = make_properties();
  return properties.data();
}

void append_lower_case(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += char(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return;
  }
  static const auto lower_cases = make_lower_cases();
  const auto found = lower_cases.find(c);
  if (found == lower_cases.end()) return append_utf8(c, out);
  for (uint32_t i = 1; i <= found->second[0]; ++i) append_utf8(found->second[i], out);
}

}  // namespace limbeck::text
