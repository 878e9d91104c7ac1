#include "text/tokenizer.h"
#include "text/unicode.h"

namespace limbeck::text {

StreamDecoder::StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special)
    : tokenizer_(std::move(tokenizer)), skip_special_(skip_special) {}

std::string StreamDecoder::add(int32_t id) {
  if (skip_special_ && tokenizer_->is_special(id)) return "";
  pending_ += tokenizer_->token_bytes(id);
  const std::size_t kept = unfinished_utf8_suffix(pending_);
  std::string storage;
  std::string shown(replace_invalid_utf8(std::string_view(pending_).substr(0, pending_.size() - kept), storage));
  pending_.erase(0, pending_.size() - kept);
  return shown;
}

std::string StreamDecoder::finish() {
  std::string storage;
  std::string shown(replace_invalid_utf8(pending_, storage));
  pending_.clear();
  return shown;
}

}  // namespace limbeck::text
