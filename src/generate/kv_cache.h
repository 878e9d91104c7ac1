// Keys and values of sequences, in pages of 16 positions from one pool. A shared prompt is one KvPages that many
// sequences point to; the beginning that several prompts share is lent to each of them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/decode_attention.h"
#include "models/language_model.h"

namespace limbeck::generate {

// Hands out pages and takes them back; memory grows by slabs and is freed with the pool. Outlives its KvPages.
class KvPool {
 public:
  explicit KvPool(const kernels::KvShape& shape) : shape_(shape) {}
  const kernels::KvShape& shape() const { return shape_; }
  char* take();
  void give_back(char* page) { free_.push_back(page); }
  int64_t num_pages() const { return num_pages_; }  // that the pool ever made
  int64_t num_used() const { return num_pages_ - static_cast<int64_t>(free_.size()); }

 private:
  struct Release {
    void operator()(char* slab) const;
  };
  kernels::KvShape shape_;
  std::vector<std::unique_ptr<char, Release>> slabs_;
  std::vector<char*> free_;
  int64_t num_pages_ = 0;
};

// The cache of a model with this config.
kernels::KvShape cache_shape(const models::DecoderConfig& config, Precision precision);

// The positions of one sequence, or of a prompt.
class KvPages {
 public:
  explicit KvPages(KvPool& pool) : pool_(&pool) {}
  // Begins with the positions of `beginning`, which stay where they are. Throws std::logic_error unless they fill whole
  // pages.
  KvPages(KvPool& pool, std::shared_ptr<const KvPages> beginning);
  ~KvPages();
  KvPages(KvPages&& other) noexcept;
  KvPages& operator=(KvPages&& other) noexcept;
  KvPages(const KvPages&) = delete;
  KvPages& operator=(const KvPages&) = delete;

  int64_t length() const { return length_; }
  void reserve(int64_t num_positions);  // pages for that many
  // After positions were written, or to forget the last ones: at most down to those that were lent.
  void set_length(int64_t length);
  char* const* pages() const { return pages_.data(); }

 private:
  KvPool* pool_;
  std::shared_ptr<const KvPages> beginning_;
  std::vector<char*> pages_;  // those of the beginning, then our own
  int64_t length_ = 0;
};

}  // namespace limbeck::generate
