#include "generate/growing_text.h"

#include <algorithm>
#include <utility>

namespace limbeck::generate {

GrowingText::GrowingText(std::shared_ptr<const text::Tokenizer> tokenizer, const std::vector<std::string>& stop)
    : decoder_(tokenizer), stop_(stop) {
  for (const std::string& end : stop_) longest_stop_ = std::max(longest_stop_, end.size());
  if (longest_stop_ == 0) return;
  for (const auto& token : tokenizer->spec().added)
    if (token.special && std::find(stop_.begin(), stop_.end(), token.content) != stop_.end())
      stop_ids_.push_back(token.id);
}

bool GrowingText::add(int32_t id) {
  if (std::find(stop_ids_.begin(), stop_ids_.end(), id) != stop_ids_.end()) {
    finish();
    stopped_ = true;
    return true;
  }
  begins_.push_back(text_.size());
  num_tokens_ = static_cast<int64_t>(begins_.size());
  text_ += decoder_.add(id);
  look_for_stop();
  return stopped_;
}

void GrowingText::finish() {
  if (stopped_ || finished_) return;
  finished_ = true;
  text_ += decoder_.finish();
  look_for_stop();
}

void GrowingText::look_for_stop() {
  if (longest_stop_ == 0) return;
  // A stop string that ends in the new part begins at most its length less one before it.
  const std::size_t from = searched_ < longest_stop_ ? 0 : searched_ - longest_stop_ + 1;
  std::size_t cut = std::string::npos;
  for (const std::string& end : stop_)
    if (!end.empty()) cut = std::min(cut, text_.find(end, from));
  searched_ = text_.size();
  if (cut == std::string::npos) return;
  stopped_ = true;
  text_.resize(cut);
  num_tokens_ = std::lower_bound(begins_.begin(), begins_.end(), cut) - begins_.begin();
}

std::string GrowingText::take() {
  std::size_t end = text_.size();
  if (!stopped_ && !finished_)
    for (const std::string& stop : stop_)
      for (std::size_t length = std::min(stop.size(), text_.size()); length > 0; --length)
        if (text_.compare(text_.size() - length, length, stop, 0, length) == 0) {
          end = std::min(end, text_.size() - length);
          break;
        }
  if (end <= taken_) return {};
  return text_.substr(std::exchange(taken_, end), end - taken_);
}

}  // namespace limbeck::generate
