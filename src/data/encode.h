// Rows become examples: token ids and how much predicting each of them counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"
#include "data/batch.h"
#include "data/rows.h"
#include "text/tokenizer.h"

namespace limbeck::data {

enum class Overflow { kRefuse, kTruncate, kSkip };

struct EncodeOptions {
  int64_t max_length = 0;                 // tokens of an example; 0: what the model can take
  Overflow overflow = Overflow::kRefuse;  // of longer rows
  bool loss_on_prompt = false;
  bool special_tokens = true;  // "<|im_end|>" in a pair or text becomes that token; false: it stays text
  bool end_of_text = true;     // appended to pairs and texts and learned, so that the model learns to stop
  int64_t pad_to_length = 0;   // fill up with the end-of-text token (EKT, step 7); 0: no padding
  bool loss_on_pad = false;    // learn the padding (EKT, step 8); without it padding is left out: it changes nothing
  void describe(Fields& f);
};

struct Limits {
  int64_t context = 0;      // the longest text the model takes
  int64_t vocab_size = 0;   // ids at or above it are refused
  int32_t end_of_text = 0;  // its id
};

struct Encoded {
  std::vector<Example> examples;  // in the order of the rows
  int64_t num_truncated = 0, num_skipped = 0;
  int64_t num_tokens = 0;
  double num_targets = 0;
};

// Segments are encoded one by one, so that the ids of a prompt are those that generation will see whatever follows it.
// Throws UserErrors with every row that is too long (kRefuse) or has nothing to learn; `where` names the file.
Encoded encode_rows(const std::vector<Row>& rows, const text::Tokenizer& tokenizer, const Limits& limits,
                    const EncodeOptions& options, const std::string& where);

}  // namespace limbeck::data
