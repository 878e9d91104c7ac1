#include "generate/kv_cache.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/errors.h"

namespace limbeck::generate {
namespace {

constexpr std::align_val_t kAlignment{4096};
constexpr int64_t kSlabBytes = int64_t{16} << 20;

}  // namespace

void KvPool::Release::operator()(char* slab) const {
  ::operator delete(slab, kAlignment);
}

char* KvPool::take() {
  if (free_.empty()) {
    // Small caches grow page by page, large ones by whole slabs.
    const int64_t count = std::clamp<int64_t>(kSlabBytes / shape_.page_bytes(), 1, std::max<int64_t>(1, num_pages_));
    slabs_.emplace_back(
        static_cast<char*>(::operator new(static_cast<std::size_t>(count * shape_.page_bytes()), kAlignment)));
    for (int64_t i = count; i-- > 0;) free_.push_back(slabs_.back().get() + i * shape_.page_bytes());
    num_pages_ += count;
  }
  char* page = free_.back();
  free_.pop_back();
  return page;
}

kernels::KvShape cache_shape(const models::DecoderConfig& config, Precision precision) {
  return {.num_layers = config.num_hidden_layers,
          .num_kv_heads = config.num_key_value_heads,
          .head_size = config.head_dim,
          .format = precision == Precision::kBf16 ? kernels::Format::kBf16 : kernels::Format::kFp32};
}

KvPages::KvPages(KvPool& pool, std::shared_ptr<const KvPages> beginning)
    : pool_(&pool), beginning_(std::move(beginning)), length_(beginning_->length_) {
  if (length_ % kernels::kPositionsPerPage != 0)
    fail("kv_cache", "expected whole pages of {} positions to begin with but received {} positions",
         kernels::kPositionsPerPage, length_);
  pages_.assign(beginning_->pages_.begin(), beginning_->pages_.begin() + length_ / kernels::kPositionsPerPage);
}

KvPages::~KvPages() {
  const int64_t num_lent = beginning_ ? beginning_->length_ / kernels::kPositionsPerPage : 0;
  for (std::size_t i = static_cast<std::size_t>(num_lent); i < pages_.size(); ++i) pool_->give_back(pages_[i]);
}

KvPages::KvPages(KvPages&& other) noexcept
    : pool_(other.pool_),
      beginning_(std::exchange(other.beginning_, {})),
      pages_(std::exchange(other.pages_, {})),
      length_(std::exchange(other.length_, 0)) {}

KvPages& KvPages::operator=(KvPages&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(beginning_, other.beginning_);
  std::swap(pages_, other.pages_);
  std::swap(length_, other.length_);
  return *this;
}

void KvPages::reserve(int64_t num_positions) {
  while (static_cast<int64_t>(pages_.size()) * kernels::kPositionsPerPage < num_positions)
    pages_.push_back(pool_->take());
}

void KvPages::set_length(int64_t length) {
  if (beginning_ && length < beginning_->length_)
    fail("kv_cache", "expected a length of at least the {} positions that were lent but received {}",
         beginning_->length_, length);
  length_ = length;
}

}  // namespace limbeck::generate
