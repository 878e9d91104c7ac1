#include "serve/beginnings.h"

#include <algorithm>
#include <utility>

namespace limbeck::serve {
namespace {

constexpr std::size_t kRecent = 16;    // prompts that a new one is compared with
constexpr int64_t kWorthKeeping = 64;  // tokens that a new beginning must save

int64_t num_same(std::span<const int32_t> a, std::span<const int32_t> b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

}  // namespace

Beginning Beginnings::find(std::span<const int32_t> ids) {
  const int64_t most = static_cast<int64_t>(ids.size()) - 1;
  Beginning found;
  auto best = kept_.end();
  int64_t length = 0;
  for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
    const auto size = static_cast<int64_t>(kept->ids.size());
    if (size > length && size <= most && num_same(kept->ids, ids) == size) best = kept, length = size;
  }
  if (best != kept_.end()) {
    found.pages = best->pages;
    kept_.splice(kept_.begin(), kept_, best);
  }
  int64_t shared = 0;
  for (const auto& prompt : recent_) shared = std::max(shared, std::min(num_same(ids, prompt), most));
  shared = shared / kernels::kPositionsPerPage * kernels::kPositionsPerPage;
  if (shared >= length + kWorthKeeping && shared <= most_positions_) found.worth = shared;
  return found;
}

void Beginnings::note(const std::vector<int32_t>& ids) {
  recent_.push_front(ids);
  if (recent_.size() > kRecent) recent_.pop_back();
}

std::shared_ptr<const generate::KvPages> Beginnings::keep(std::span<const int32_t> ids, generate::KvPages pages) {
  const auto length = pages.length();
  kept_.push_front({{ids.begin(), ids.begin() + length}, std::make_shared<const generate::KvPages>(std::move(pages))});
  int64_t positions = 0;
  for (auto kept = kept_.begin(); kept != kept_.end();) {
    positions += static_cast<int64_t>(kept->ids.size());
    kept = positions > most_positions_ && kept != kept_.begin() ? kept_.erase(kept) : std::next(kept);
  }
  return kept_.front().pages;
}

}  // namespace limbeck::serve
