#include "kernels/packed_attention.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/attention_panels.h"
#include "kernels/attention_rows.h"
#include "kernels/hashed_mask.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kBlock = kAttentionBlock;

template <class Number>
auto tiles() {
  if constexpr (std::is_same_v<Number, BFloat16>)
    return instructions().linear_bf16;
  else
    return instructions().linear_fp32;
}

// Keys of one document and head as columns, block after block.
template <class Number>
class ColumnBlocks {
 public:
  void pack(const Number* source, int64_t stride, int64_t rows, int64_t length) {
    cells_ = length / kCellNumbers<Number>;
    numbers_.resize(static_cast<std::size_t>(round_up(rows, kBlock) * length));
    for (int64_t first = 0; first < rows; first += kBlock)
      pack_as_columns(source + first * stride, stride, std::min(kBlock, rows - first), length, block(first / kBlock));
  }
  // x [rows, length] · the columns of one block -> y [rows, columns]
  void multiply(const Number* x, int64_t x_stride, int64_t rows, int64_t index, int64_t columns, float* y,
                int64_t y_stride) {
    LinearPanel task;
    task.x = x;
    task.x_stride = x_stride;
    task.panel = block(index);
    task.num_cells = cells_;
    task.rows = rows;
    task.columns = columns;
    task.y = y;
    task.y_stride = y_stride;
    tiles<Number>()(task);
  }

 private:
  Number* block(int64_t index) { return numbers_.data() + index * kBlock * cells_ * kCellNumbers<Number>; }
  int64_t cells_ = 0;
  std::vector<Number> numbers_;
};

// The keys, and the blocks of them, that a query, or a block of queries, of one document sees.
class Sight {
 public:
  Sight(const AttentionShape& shape, int64_t length) : causal_(shape.causal), window_(shape.window), length_(length) {}
  int64_t first_key(int64_t query) const { return window_ == 0 ? 0 : std::max<int64_t>(0, query - window_ + 1); }
  int64_t end_key(int64_t query) const { return causal_ ? query + 1 : length_; }
  int64_t first_block(int64_t query_block) const { return first_key(query_block * kBlock) / kBlock; }
  int64_t end_block(int64_t query_block) const { return causal_ ? query_block + 1 : (length_ + kBlock - 1) / kBlock; }

 private:
  bool causal_;
  int64_t window_, length_;
};

// One document and key head, with the query heads that share it.
struct Work {
  int64_t document, begin, length, key_head;
};

std::vector<Work> works_of(const AttentionShape& shape) {
  std::vector<Work> works;
  for (std::size_t i = 0; i + 1 < shape.offsets.size(); ++i)
    for (int64_t head = 0; head < shape.key_heads; ++head)
      works.push_back({static_cast<int64_t>(i), shape.offsets[i], shape.offsets[i + 1] - shape.offsets[i], head});
  // The longest first, so that no thread is left with one at the end.
  std::stable_sort(works.begin(), works.end(), [](const Work& a, const Work& b) { return a.length > b.length; });
  return works;
}

int64_t query_stride(const AttentionShape& shape) {
  return shape.q_stride > 0 ? shape.q_stride : shape.heads * shape.head_dim;
}
int64_t key_stride(const AttentionShape& shape) {
  return shape.kv_stride > 0 ? shape.kv_stride : shape.key_heads * shape.head_dim;
}

MaskRow mask_of(const AttentionShape& shape, const Work& work, int64_t head, int64_t query) {
  return attention_mask_row(shape.dropout_keys[static_cast<std::size_t>(work.document)], shape.heads, head, query);
}

template <class Number>
class Forward {
 public:
  Forward(const AttentionShape& shape, const Number* q, const Number* k, const Number* v, Number* y, float* log_sums)
      : shape_(shape), q_(q), k_(k), v_(v), y_(y), log_sums_(log_sums) {}

  void run(const Work& work) {
    const int64_t dim = shape_.head_dim, stride = key_stride(shape_), group = shape_.heads / shape_.key_heads;
    const int64_t first_key = work.begin * stride + work.key_head * dim;
    keys_.pack(k_ + first_key, stride, work.length, dim);
    values_.pack(v_ + first_key, stride, work.length, dim);
    const int64_t padded = round_up(work.length, kBlock);
    scores_.resize(kBlock * padded);
    weights_.resize(kBlock * padded);
    sums_.resize(kBlock * round_up(dim, 16));
    for (int64_t head = work.key_head * group; head < (work.key_head + 1) * group; ++head)
      for (int64_t block = 0; block * kBlock < work.length; ++block) attend(work, head, block);
  }

 private:
  void attend(const Work& work, int64_t head, int64_t block) {
    const int64_t dim = shape_.head_dim, stride = query_stride(shape_), padded = round_up(work.length, kBlock);
    const int64_t first = block * kBlock, rows = std::min(kBlock, work.length - first);
    const Sight sight(shape_, work.length);
    const Number* q = q_ + (work.begin + first) * stride + head * dim;
    for (int64_t b = sight.first_block(block); b < sight.end_block(block); ++b)
      keys_.multiply(q, stride, rows, b, std::min(kBlock, work.length - b * kBlock), scores_.data() + b * kBlock,
                     padded);

    constexpr int64_t kNumbers = kCellNumbers<Number>;
    const int64_t begin = sight.first_block(block) * kBlock;
    const int64_t end = round_up(sight.end_key(first + rows - 1), kNumbers);
    float scale_back[kBlock];
    if (!shape_.causal && shape_.softcap == 0)
      weigh_together(work, head, first, rows, scale_back);
    else
      weigh_one_by_one(work, head, first, rows, begin, end, scale_back);
    if (shape_.dropout > 0)
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t query = first + r, lowest = sight.first_key(query);
        drop_weights(weights_.data() + r * padded + lowest, sight.end_key(query) - lowest, lowest,
                     mask_of(shape_, work, head, query), mask_threshold(shape_.dropout));
        scale_back[r] *= static_cast<float>(1 / (1 - shape_.dropout));
      }
    const int64_t width = round_up(dim, 16);
    values_.multiply(tiles<Number>(), weights_.data() + begin, padded, rows, begin / kNumbers, end / kNumbers,
                     sums_.data(), width);
    ScaledRows<Number> scaled;
    scaled.from = sums_.data();
    scaled.from_stride = width;
    scaled.to = y_ + ((work.begin + first) * shape_.heads + head) * dim;
    scaled.to_stride = shape_.heads * dim;
    scaled.rows = rows;
    scaled.n = dim;
    scaled.scales = scale_back;
    scale_rows(scaled);
  }

  // Queries that see the same keys.
  void weigh_together(const Work& work, int64_t head, int64_t first, int64_t rows, float* scale_back) {
    SoftmaxRows<Number> task;
    task.scores = scores_.data();
    task.weights = weights_.data();
    task.stride = round_up(work.length, kBlock);
    task.rows = rows;
    task.columns = work.length;
    task.scale = shape_.scale;
    task.inverse = scale_back;
    if (log_sums_) task.log_sums = log_sums_ + (work.begin + first) * shape_.heads + head;
    task.log_stride = shape_.heads;
    softmax_rows(task);
  }

  // Weights from begin to end, zeros where a query sees no key.
  void weigh_one_by_one(const Work& work, int64_t head, int64_t first, int64_t rows, int64_t begin, int64_t end,
                        float* scale_back) {
    const Sight sight(shape_, work.length);
    const int64_t padded = round_up(work.length, kBlock);
    const bool capped = shape_.softcap > 0;
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t query = first + r, lowest = sight.first_key(query), last = sight.end_key(query);
      float* scores = scores_.data() + r * padded;
      Number* weights = weights_.data() + r * padded;
      std::fill(weights + begin, weights + lowest, Number{});
      if (capped) softcap_row(scores + lowest, last - lowest, shape_.scale, shape_.softcap);
      const RowSum sum = softmax_row(scores + lowest, weights + lowest, last - lowest, capped ? 1.0f : shape_.scale);
      std::fill(weights + last, weights + end, Number{});
      scale_back[r] = 1 / sum.total;
      if (log_sums_) log_sums_[(work.begin + query) * shape_.heads + head] = sum.largest + std::log(sum.total);
    }
  }

  AttentionShape shape_;
  const Number *q_, *k_, *v_;
  Number* y_;
  float* log_sums_;
  ColumnBlocks<Number> keys_;
  RowPanels<Number> values_;
  std::vector<float> scores_, sums_;
  std::vector<Number> weights_;
};

// With P = softmax(s q·k), D = Σ dy∘y of a query and dP = dy·v: dS = s P∘(dP - D), dv = Pᵀ dy, dk = dSᵀ q, dq = dS k. P
// and dS are computed transposed, [keys, queries], as dv and dk read them; dq is computed transposed from the same
// numbers. Under dropout with mask M/(1-r), dv reads P∘M/(1-r) and dP is masked alike; D is what it was.
template <class Number>
class Backward {
 public:
  Backward(const AttentionShape& shape, const AttentionGradient<Number>& gradient) : shape_(shape), g_(gradient) {}

  void run(const Work& work) {
    const int64_t dim = shape_.head_dim, stride = key_stride(shape_), group = shape_.heads / shape_.key_heads;
    const int64_t length = work.length, padded = round_up(length, kBlock), width = round_up(dim, 16);
    const int64_t key_at = work.begin * stride + work.key_head * dim;
    // As many queries at a time as keep P and dS in the second-level cache.
    const int64_t fit = (int64_t{1} << 19) / (2 * static_cast<int64_t>(sizeof(Number)) * kBlock * padded);
    blocks_at_once_ = std::clamp<int64_t>(fit, 1, padded / kBlock);
    transpose(g_.k + key_at, stride, length, dim, keys_across_, padded);
    dk_.assign(padded * width, 0.0f);
    dv_.assign(padded * width, 0.0f);
    scores_.resize(kBlock * kBlock);
    dweights_.resize(kBlock * kBlock);
    product_.resize(std::max(dim, kBlock) * std::max(width, kBlock));
    p_.resize(padded * blocks_at_once_ * kBlock);
    ds_.resize(padded * blocks_at_once_ * kBlock);
    ds_panel_.resize(padded * kBlock);
    for (int64_t head = work.key_head * group; head < (work.key_head + 1) * group; ++head) run_head(work, head, key_at);
    for (int64_t r = 0; r < length; ++r) {
      scale_row(dk_.data() + r * width, g_.dk + key_at + r * stride, dim, 1);
      scale_row(dv_.data() + r * width, g_.dv + key_at + r * stride, dim, 1);
    }
  }

 private:
  void run_head(const Work& work, int64_t head, int64_t key_at) {
    const int64_t dim = shape_.head_dim, q_stride = query_stride(shape_), stride = shape_.heads * dim;
    const int64_t q_at = work.begin * q_stride + head * dim, at = work.begin * stride + head * dim;
    query_columns_.pack(g_.q + q_at, q_stride, work.length, dim);
    dy_columns_.pack(g_.dy + at, stride, work.length, dim);
    query_rows_.pack(g_.q + q_at, q_stride, work.length, dim);
    dy_rows_.pack(g_.dy + at, stride, work.length, dim);
    const int64_t padded = round_up(work.length, kBlock), num_blocks = padded / kBlock;
    log_sums_.assign(padded, 1e30f);  // of the queries behind the end: their weights vanish
    products_.assign(padded, 0.0f);
    for (int64_t t = 0; t < work.length; ++t) {
      log_sums_[t] = g_.log_sums[(work.begin + t) * shape_.heads + head];
      products_[t] = dot_row(g_.dy + at + t * stride, g_.y + at + t * stride, dim);
    }
    if (shape_.dropout > 0) {
      mask_low_.resize(padded), mask_high_.resize(padded);
      for (int64_t t = 0; t < work.length; ++t) {
        const MaskRow mask = mask_of(shape_, work, head, t);
        mask_low_[t] = mask.low, mask_high_[t] = mask.high;
      }
    }
    for (int64_t first = 0; first < num_blocks; first += blocks_at_once_) {
      const int64_t last = std::min(num_blocks, first + blocks_at_once_);
      for (int64_t block = first; block < last; ++block) query_block(work, head, block, first, key_at);
      for (int64_t block = 0; block < num_blocks; ++block) key_block(work, block, first, last);
    }
  }

  // P and dS of all keys that a block of queries sees, and dq.
  void query_block(const Work& work, int64_t head, int64_t block, int64_t first_block, int64_t key_at) {
    constexpr int64_t kNumbers = kCellNumbers<Number>;
    const int64_t dim = shape_.head_dim, stride = key_stride(shape_), row = blocks_at_once_ * kBlock;
    const int64_t first_query = block * kBlock, queries = std::min(kBlock, work.length - first_query);
    const Sight sight(shape_, work.length);
    const int64_t first_seen = sight.first_block(block), column = (block - first_block) * kBlock;
    for (int64_t b = first_seen; b < sight.end_block(block); ++b) {
      const int64_t first_key = b * kBlock, keys = std::min(kBlock, work.length - first_key);
      const int64_t at = key_at + first_key * stride;
      query_columns_.multiply(g_.k + at, stride, keys, block, queries, scores_.data(), kBlock);
      dy_columns_.multiply(g_.v + at, stride, keys, block, queries, dweights_.data(), kBlock);
      BlockGradient<Number> task;
      task.scores = scores_.data();
      task.dweights = dweights_.data();
      task.keys = keys;
      task.queries = queries;
      task.log_sums = log_sums_.data() + first_query;
      task.products = products_.data() + first_query;
      task.scale = shape_.scale;
      task.softcap = shape_.softcap;
      task.oldest = shape_.causal ? static_cast<int32_t>(first_query - first_key) : kBlock;  // none is in the future
      task.window = shape_.window == 0 ? INT32_MAX : static_cast<int32_t>(std::min<int64_t>(shape_.window, INT32_MAX));
      task.p = p_.data() + first_key * row + column;
      task.ds = ds_.data() + first_key * row + column;
      task.stride = row;
      task.ds_panel = ds_panel_.data() + first_key * kBlock;
      if (shape_.dropout > 0) {
        task.mask_low = mask_low_.data() + first_query;
        task.mask_high = mask_high_.data() + first_query;
        task.first_key = static_cast<uint32_t>(first_key);
        task.threshold = mask_threshold(shape_.dropout);
        task.kept_scale = static_cast<float>(1 / (1 - shape_.dropout));
      }
      block_gradient(task);
    }
    // dqᵀ [E, queries] = kᵀ [E, keys] · dSᵀ [keys, queries]
    const int64_t begin = first_seen * kBlock, end = round_up(sight.end_key(first_query + queries - 1), kNumbers);
    LinearPanel task;
    task.x = keys_across_.data() + begin;
    task.x_stride = round_up(work.length, kBlock);
    task.panel = ds_panel_.data() + begin * kBlock;
    task.num_cells = (end - begin) / kNumbers;
    task.rows = dim;
    task.columns = kBlock;
    task.y = product_.data();
    task.y_stride = kBlock;
    tiles<Number>()(task);
    const int64_t q_stride = query_stride(shape_);
    Number* dq = g_.dq + (work.begin + first_query) * q_stride + head * dim;
    for (int64_t r = 0; r < queries; ++r) gather_column(product_.data() + r, kBlock, dq + r * q_stride, dim);
  }

  // What the queries of the blocks first .. last add to dv and dk of a block of keys.
  void key_block(const Work& work, int64_t block, int64_t first, int64_t last) {
    constexpr int64_t kNumbers = kCellNumbers<Number>;
    const int64_t dim = shape_.head_dim, width = round_up(dim, 16), row = blocks_at_once_ * kBlock;
    const Sight sight(shape_, work.length);
    int64_t begin = shape_.causal ? std::max(first, block) : first, end = begin;
    while (end < last && sight.first_block(end) <= block) ++end;
    if (begin >= end) return;
    const int64_t first_key = block * kBlock, keys = std::min(kBlock, work.length - first_key);
    const int64_t first_cell = begin * kBlock / kNumbers;
    const int64_t last_cell = std::min(end * kBlock, round_up(work.length, kNumbers)) / kNumbers;
    const int64_t at = first_key * row + (begin - first) * kBlock;
    const auto add = [&](const std::vector<Number>& x, const RowPanels<Number>& rows, std::vector<float>& sum) {
      rows.multiply(tiles<Number>(), x.data() + at, row, keys, first_cell, last_cell, product_.data(), width);
      for (int64_t r = 0; r < keys; ++r)
        add_row(product_.data() + r * width, sum.data() + (first_key + r) * width, dim);
    };
    add(p_, dy_rows_, dv_);
    add(ds_, query_rows_, dk_);
  }

  static void transpose(const Number* source, int64_t stride, int64_t rows, int64_t columns, std::vector<Number>& to,
                        int64_t padded) {
    to.assign(columns * padded, Number{});
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) to[c * padded + r] = source[r * stride + c];
  }

  AttentionShape shape_;
  AttentionGradient<Number> g_;
  int64_t blocks_at_once_ = 1;
  ColumnBlocks<Number> query_columns_, dy_columns_;
  RowPanels<Number> query_rows_, dy_rows_;
  std::vector<Number> keys_across_, p_, ds_, ds_panel_;
  std::vector<float> scores_, dweights_, product_, dk_, dv_, log_sums_, products_;
  std::vector<uint32_t> mask_low_, mask_high_;  // of each query
};

template <class MakeRunner>
void run_all(const AttentionShape& shape, const MakeRunner& make) {
  const std::vector<Work> works = works_of(shape);
  const int64_t tokens = shape.offsets.empty() ? 0 : shape.offsets.back() - shape.offsets.front();
#pragma omp parallel if (tokens * shape.heads * shape.head_dim > (1 << 15) && works.size() > 1)
  {
    auto runner = make();
#pragma omp for schedule(dynamic)
    for (std::size_t i = 0; i < works.size(); ++i) runner.run(works[i]);
  }
}

}  // namespace

void packed_attention(const AttentionShape& shape, const float* q, const float* k, const float* v, float* y,
                      float* log_sums) {
  run_all(shape, [&] { return Forward<float>(shape, q, k, v, y, log_sums); });
}
void packed_attention(const AttentionShape& shape, const BFloat16* q, const BFloat16* k, const BFloat16* v, BFloat16* y,
                      float* log_sums) {
  run_all(shape, [&] { return Forward<BFloat16>(shape, q, k, v, y, log_sums); });
}
void packed_attention_gradient(const AttentionShape& shape, const AttentionGradient<float>& gradient) {
  run_all(shape, [&] { return Backward<float>(shape, gradient); });
}
void packed_attention_gradient(const AttentionShape& shape, const AttentionGradient<BFloat16>& gradient) {
  run_all(shape, [&] { return Backward<BFloat16>(shape, gradient); });
}

}  // namespace limbeck::kernels
