// Where a sampled text stops being the program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"

namespace limbeck::synthesis {

struct Truncation {
  bool after_answer =
      true;  // after the first line that begins with "answer" and has a line before and an end (the paper)
  bool at_blank_line = false;     // before the first blank line of the program
  bool at_next_question = false;  // before the first later line that begins with "# "
  void describe(Fields& f);
};

// The program in a sampled text: end-of-text marks taken out, cut at the earliest place that the options name, blank
// lines in front and white space behind removed. Text without such a place is kept whole.
std::string program_of(std::string_view sampled, const Truncation& truncation,
                       const std::vector<std::string>& end_marks = {});

}  // namespace limbeck::synthesis
