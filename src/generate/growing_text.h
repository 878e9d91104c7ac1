// The text of a continuation while its tokens come, and where a stop string ends it. A stop string may span tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace limbeck::generate {

class GrowingText {
 public:
  // `stop` must outlive this; empty strings in it are ignored. A special token in it ("<|im_end|>") stops too.
  GrowingText(std::shared_ptr<const text::Tokenizer> tokenizer, const std::vector<std::string>& stop);

  bool add(int32_t id);  // true when a stop string is complete: nothing may be added any more
  void finish();         // no more tokens come; what was held back of a character is added
  bool stopped() const { return stopped_; }

  const std::string& text() const { return text_; }  // cut before the stop string
  // Tokens that begin before the cut. The last one may reach beyond it, so that no character of text() is without its
  // token.
  int64_t num_tokens() const { return num_tokens_; }
  // What can be shown and was not yet given out: holds back what may turn out to begin a stop string.
  std::string take();

 private:
  void look_for_stop();

  text::StreamDecoder decoder_;
  const std::vector<std::string>& stop_;
  std::string text_;
  std::vector<int32_t> stop_ids_;    // special tokens among the stop strings: they have no text
  std::vector<std::size_t> begins_;  // size of the text when each token came
  std::size_t searched_ = 0, taken_ = 0, longest_stop_ = 0;
  int64_t num_tokens_ = 0;
  bool stopped_ = false, finished_ = false;
};

}  // namespace limbeck::generate
