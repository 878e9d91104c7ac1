// Regular expressions as published tokenizers use them, with the meaning that Oniguruma gives them: leftmost, the first
// alternative that leads to a match, greedy, over code points of UTF-8. Alternatives, groups, (?i: ), look-ahead,
// atomic groups, classes with ranges, \p{L} and the like, \s \d \r \n \t, ? * + {m,n}, possessive ?+ *+ ++. Anything
// else, and an expression that can match nothing, is refused by name.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::text {

// A set of code points.
class CodePointSet {
 public:
  void add_range(uint32_t first, uint32_t last) { ranges_.push_back({first, last}); }
  void add_classes(uint8_t char_classes, bool others) { properties_.push_back({char_classes, 0, others}); }
  void add_properties(uint32_t properties, bool others) { properties_.push_back({0, properties, others}); }
  void invert() { inverted_ = !inverted_; }
  void finish();  // after the last change
  bool contains(uint32_t c) const { return c < 128 ? ascii_[c] : contains_slowly(c); }

 private:
  struct Range {
    uint32_t first, last;
  };
  struct Properties {
    uint8_t classes;      // of text/unicode.h
    uint32_t properties;  // of text/unicode_properties.h
    bool others;          // those that have none of them
  };
  bool contains_slowly(uint32_t c) const;
  std::vector<Range> ranges_;
  std::vector<Properties> properties_;
  bool inverted_ = false;
  std::array<bool, 128> ascii_{};
};

struct RegexInstruction {
  enum class Kind { kOne, kRepeat, kPossessive, kSplit, kJump, kAhead, kNotAhead, kAtomic, kEnd };
  Kind kind;
  int32_t set = 0;                // of kOne, kRepeat, kPossessive
  int32_t least = 0, most = 0;    // how often; most < 0: without end
  int32_t first = 0, second = 0;  // places: kSplit tries first, then second; others go on at first
};

class Regex {
 public:
  Regex(std::string_view pattern, std::string_view where);  // throws UserError naming `where` and what is not supported

  struct Match {
    const char *begin, *end;
  };
  // The first match in [at, end), which is all of the text: nothing is looked at beyond. Throws UserError when the
  // expression needs too many steps for it.
  std::optional<Match> find(const char* at, const char* end) const;

 private:
  // What to try when a way fails: go on at `place` from `at`; a repetition may give up characters down to `least`.
  struct Choice {
    std::size_t place;
    const char *at, *least;
  };
  struct Work {
    int64_t steps_left;
    std::vector<Choice> choices;  // of all that is being matched; the innermost last
  };
  const char* match_at(std::size_t place, const char* at, const char* end, Work& work) const;  // null: none
  std::string pattern_, where_;
  std::vector<CodePointSet> sets_;
  std::vector<RegexInstruction> program_;
};

// The expression as instructions; a part of Regex in a file of its own.
struct RegexProgram {
  std::vector<CodePointSet> sets;
  std::vector<RegexInstruction> instructions;
};
RegexProgram compile_regex(std::string_view pattern, std::string_view where);

}  // namespace limbeck::text
