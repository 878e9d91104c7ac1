// The pre-tokenisers of tokenizer.json: they cut a normalised text into the pieces that the model is given one by one.
// As the `tokenizers` library does it. (Plain byte-level vocabularies take the shorter way of text/pre_tokenizer.h.)
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/component.h"

namespace limbeck::text {

struct Pieces {
  struct Piece {
    std::size_t begin, end;
  };
  std::string text;
  std::vector<Piece> list;  // one after another in `text`, none empty; what is between them is gone
  bool at_start = true;     // whether the first piece begins where the whole text began

  std::string_view of(const Piece& piece) const {
    return std::string_view(text).substr(piece.begin, piece.end - piece.begin);
  }
};

class PreTokenizerStep {
 public:
  virtual ~PreTokenizerStep() = default;
  virtual void apply(Pieces& pieces) const = 0;
};
using PreTokenizerSteps = std::vector<std::unique_ptr<PreTokenizerStep>>;  // one after another

// Throws UserError naming the component that is not supported.
PreTokenizerSteps make_pre_tokenizer_steps(const Component& component);

// What becomes of the parts that a step looks for, and of those between them.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// A part of a piece, and whether it is one that the step looks for.
struct SplitPart {
  std::size_t begin, end;
  bool matches;
};
void append_split(const std::vector<SplitPart>& parts, SplitBehavior behavior, std::vector<Pieces::Piece>& out);

std::unique_ptr<PreTokenizerStep> make_split_step(const Component& component);  // pre_tokenizer_split.cpp
SplitBehavior split_behavior(const Component& component, SplitBehavior otherwise);

}  // namespace limbeck::text
