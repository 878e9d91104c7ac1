// What kernels/packed_attention.cpp does to numbers one by one: softmax, its gradient, scaling, gathering.
#pragma once

#include <cstdint>

#include "kernels/attention_panels.h"
#include "kernels/bfloat16.h"
#include "kernels/hashed_mask.h"

namespace limbeck::kernels {

struct RowSum {
  float largest = 0, total = 0;  // of scale·scores, and Σ exp(scale·score - largest)
};
// weights = exp(scale·scores - largest), not normalised. n > 0.
RowSum softmax_row(float* scores, float* weights, int64_t n, float scale);
RowSum softmax_row(float* scores, BFloat16* weights, int64_t n, float scale);

// The same of several rows that see the same keys; a row's inverse becomes 1 / total.
template <class Number>
struct SoftmaxRows {
  float* scores = nullptr;    // [rows, stride]; written over, with room for columns rounded up to 16
  Number* weights = nullptr;  // [rows, stride], zeros from columns to columns rounded up to 16
  int64_t stride = 0, rows = 0, columns = 0;
  float scale = 1;
  float* inverse = nullptr;   // [rows]
  float* log_sums = nullptr;  // log Σ exp(scale·score) of row r at r·log_stride, or null
  int64_t log_stride = 0;
};
void softmax_rows(const SoftmaxRows<float>& rows);
void softmax_rows(const SoftmaxRows<BFloat16>& rows);

// scores = cap·tanh(scale·scores / cap), cap > 0
void softcap_row(float* scores, int64_t n, float scale, float cap);

// weights[i] = 0 where the mask takes the column first + i.
void drop_weights(float* weights, int64_t n, int64_t first, MaskRow mask, uint32_t threshold);
void drop_weights(BFloat16* weights, int64_t n, int64_t first, MaskRow mask, uint32_t threshold);

void scale_row(const float* from, float* to, int64_t n, float scale);
void scale_row(const float* from, BFloat16* to, int64_t n, float scale);
// to [rows, to_stride] = from [rows, from_stride] · scales [rows]
template <class Number>
struct ScaledRows {
  const float* from = nullptr;
  Number* to = nullptr;
  int64_t from_stride = 0, to_stride = 0, rows = 0, n = 0;
  const float* scales = nullptr;
};
void scale_rows(const ScaledRows<float>& rows);
void scale_rows(const ScaledRows<BFloat16>& rows);
void add_row(const float* from, float* to, int64_t n);  // to += from
float dot_row(const float* a, const float* b, int64_t n);
float dot_row(const BFloat16* a, const BFloat16* b, int64_t n);
// to[i] = from[i·stride]
void gather_column(const float* from, int64_t stride, float* to, int64_t n);
void gather_column(const float* from, int64_t stride, BFloat16* to, int64_t n);

// A block of keys (rows) by a block of queries (columns, 48 apart in the inputs).
template <class Number>
struct BlockGradient {
  const float *scores = nullptr, *dweights = nullptr;  // [keys, 48]: k·q and v·dy
  int64_t keys = 0, queries = 0;
  const float *log_sums = nullptr, *products = nullptr;  // [48] of the queries
  float scale = 1;
  float softcap = 0;                   // as in AttentionShape
  int32_t oldest = 0, window = 0;      // age of key r for query c is oldest + c - r; seen when 0 <= age < window
  Number *p = nullptr, *ds = nullptr;  // [keys, stride] -> weights and scaled gradients of scores, 48 columns
  int64_t stride = 0;
  // Under dropout: masks [48] of the queries, what is dropped (a column of a mask is the key's place), and what the
  // weights that are left are multiplied by.
  const uint32_t *mask_low = nullptr, *mask_high = nullptr;
  uint32_t first_key = 0, threshold = 0;
  float kept_scale = 1;
  Number* ds_panel = nullptr;  // the same as cells over keys: [keys / numbers of a cell][48][numbers], padded by zeros
};
void block_gradient(const BlockGradient<float>& block);
void block_gradient(const BlockGradient<BFloat16>& block);

}  // namespace limbeck::kernels
