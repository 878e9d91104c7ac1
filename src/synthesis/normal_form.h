// Texts that say the same have the same normal form: for finding duplicates and overlap with a test set.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace limbeck::synthesis {

// Words of a question: letters and digits, ASCII in lower case ("3.5" and "1,200" stay one word each); what calculates
// (+ * / = < > % ^, and a - before a number or a space) is a word of its own; everything else parts words, typographic
// quotation marks, dashes and spaces included.
std::vector<std::string> normal_words(std::string_view text);
std::string normal_question(std::string_view text);  // those words, one space between

// A program without comments, blank lines and the spaces that Python does not need; strings and indentation stay.
std::string normal_program(std::string_view program);

}  // namespace limbeck::synthesis
