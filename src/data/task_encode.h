// Rows of a task become examples: token ids with the special tokens of the tokenizer around them, which text each is
// of, and the labels in tables that Example::index finds.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "data/batch.h"
#include "data/task_rows.h"
#include "text/tokenizer.h"

namespace limbeck::data {

enum class Overlong { kRefuse, kLongestFirst, kOnlyFirst, kOnlySecond };

struct TaskEncodeOptions {
  int64_t max_length = 0;  // tokens of a text or pair, special ones included; 0: what the model takes
  Overlong overlong = Overlong::kRefuse;
  void describe(Fields& f);
};

// What the model takes.
struct TaskLimits {
  int64_t context = 0, vocab_size = 0;
  bool types = true;  // it has token types
};

inline constexpr int64_t kNoLabel = -100;

// A word, or a piece of one, and the tokens [begin, end) of its example that it became; begin = end: it was cut off.
struct PieceTokens {
  int64_t begin = 0, end = 0;            // tokens
  int64_t text_begin = 0, text_end = 0;  // bytes of the text, of kSpan
};

struct EncodedSplit {
  std::string name;
  std::vector<Example> examples;  // in the order of the rows; index is that order
  // Tables by index, of the kind of task; kNoLabel where there is no label.
  std::vector<int64_t> classes;                      // kClasses, kChoice
  std::vector<double> scores;                        // kScore; NaN: none
  std::vector<std::vector<int64_t>> tags;            // kTags: of each token; of a word the first one has it
  std::vector<std::pair<int64_t, int64_t>> spans;    // kSpan: first and last token; (0, 0) where there is no answer
  std::vector<std::vector<PieceTokens>> pieces;      // kTags, kSpan: of each word or piece
  int64_t num_cut = 0, num_tokens = 0, longest = 0;  // rows that lost tokens; all tokens; tokens of the longest text
  int64_t num_lost_answers = 0, num_lost_words = 0;  // answers and words that were cut off
};

// Throws UserErrors naming rows that are too long where they are refused (up to ten and their number), and for a pair
// strategy where there is one text.
EncodedSplit encode_split(const TaskSplit& split, const TaskDescription& task, const text::Tokenizer& tokenizer,
                          const TaskLimits& limits, const TaskEncodeOptions& options);

// "train: 6920 rows, 163,000 tokens (longest 66), 3 cut".
std::string size_text(const EncodedSplit& split);

}  // namespace limbeck::data
