// The kernels as each instruction set has them. One set is chosen when the program starts; tests run every one that the
// processor has. Arguments are structs of raw pointers; the callers own the memory and the threads.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/bfloat16.h"
#include "kernels/block_linear.h"  // kBlockNumbers

namespace limbeck::kernels {

constexpr int64_t kMaximumBlock = 64, kSumBlock = 512;
constexpr int64_t kPanelColumns = 48;  // columns of a packed weight that are computed together

// One panel of a packed weight times all rows. A cell is what is multiplied at once: an fp32 number or a pair of bf16
// ones.
struct LinearPanel {
  const void* x = nullptr;      // [rows] of num_cells cells each, in the weight's format
  int64_t x_stride = 0;         // numbers from row to row
  const void* panel = nullptr;  // [num_cells][width of the panel][numbers of a cell]
  const void* next = nullptr;   // the panel that this thread computes after this one, to fetch it ahead; or null
  int64_t num_cells = 0;
  int64_t rows = 0;
  int64_t columns = 0;          // real ones, at most kPanelColumns; the panel is padded to a multiple of 16
  const float* bias = nullptr;  // of these columns, or null
  bool gelu = false;            // of what is written
  float* y = nullptr;           // one of the two is set
  BFloat16* y_low = nullptr;
  int64_t y_stride = 0;
};

// The same for a panel whose weights stand in blocks of kBlockNumbers along k.
struct BlockPanel {
  const int8_t* x = nullptr;           // [rows][num_blocks][kBlockNumbers]
  const float* x_scales = nullptr;     // [rows][num_blocks]
  const int32_t* x_offsets = nullptr;  // [rows][num_blocks] -(what stands for zero) times the block's sum
  const uint8_t* panel = nullptr;      // Q8_0: [num_blocks][8][width][4], 128 stands for zero; Q4_0: [num_blocks][4]
                                       // [width][4], 8 stands for zero, steps 0..3 in the lower halves of the bytes
  const uint16_t* scales = nullptr;    // [num_blocks][width] in half precision
  const uint8_t* next = nullptr;       // as in LinearPanel
  int64_t num_blocks = 0;
  int64_t rows = 0;
  int64_t columns = 0;
  const float* bias = nullptr;
  bool gelu = false;   // of what is written
  float* y = nullptr;  // one of the two is set
  BFloat16* y_low = nullptr;
  int64_t y_stride = 0;
};

// The same for a panel of integers with one scale for each column.
struct Int8Panel {
  const int8_t* x = nullptr;           // [rows][num_steps][4]
  const float* x_scales = nullptr;     // [rows]
  const int32_t* x_offsets = nullptr;  // [rows] -128 times the row's sum
  const uint8_t* panel = nullptr;      // [num_steps][width][4], 128 stands for zero
  const float* scales = nullptr;       // [width]
  const uint8_t* next = nullptr;       // as in LinearPanel
  int64_t num_steps = 0;
  int64_t rows = 0;
  int64_t columns = 0;
  const float* bias = nullptr;
  bool gelu = false;   // of what is written
  float* y = nullptr;  // one of the two is set
  BFloat16* y_low = nullptr;
  int64_t y_stride = 0;
};

constexpr int64_t kStripRows = 8;  // rows of a packed left operand that stand together

// Some rows of a product over one panel of columns (kernels/matrix_product.h), begun or carried on.
struct ProductTile {
  const void* a = nullptr;  // [rows] of num_cells cells each, a_stride numbers apart;
  int64_t a_stride = 0;
  bool packed = false;           // or strips [rows / kStripRows][num_cells][kStripRows][numbers of a cell]
  const void* panel = nullptr;   // [num_cells][width of the panel][numbers of a cell], as in LinearPanel
  const void* next = nullptr;    // the panel that comes after, to fetch it ahead; or null
  const float* start = nullptr;  // sums to go on with, start_stride apart, or null for zeros; may be c
  int64_t start_stride = 0;
  int64_t num_cells = 0, rows = 0, columns = 0;
  const float* bias = nullptr;  // of these columns, or null
  float* c = nullptr;           // one of the two is set
  BFloat16* c_low = nullptr;
  int64_t c_stride = 0;
};

// Rows of queries of one head over the positions of one run of pages (kernels/decode_attention.h), carried on from, and
// left in, the state of an online softmax.
struct AttentionRows {
  const void* q = nullptr;  // [rows, head_size] in the format of the pages
  int64_t rows = 0;
  int64_t head_size = 0;  // padded to a multiple of 16
  const char* const* pages = nullptr;
  int64_t key_offset = 0, value_offset = 0;  // bytes from the start of a page
  const int64_t* begin = nullptr;            // [rows] the positions that a row sees: begin <= position < end
  const int64_t* end = nullptr;
  float scale = 1;
  float softcap = 0;         // scaled scores x become softcap·tanh(x / softcap); 0: as they are
  float* largest = nullptr;  // [rows] largest score, -inf at first
  float* total = nullptr;    // [rows] sum of e^(score - largest)
  float* output = nullptr;   // [rows, head_size] sum of e^(score - largest) * value
};

struct InstructionSet {
  const char* name;
  void (*linear_fp32)(const LinearPanel&);
  void (*linear_bf16)(const LinearPanel&);
  void (*linear_q8_0)(const BlockPanel&);
  void (*linear_q4_0)(const BlockPanel&);
  // x [k] -> blocks of integers, their scales, and -zero times the sum of each block; the last block is filled up with
  // zeros. A block with a NaN or an infinity has NaN for its scale.
  void (*quantise_fp32)(const float* x, int64_t k, int32_t zero, int8_t* integers, float* scales, int32_t* offsets);
  void (*quantise_bf16)(const BFloat16* x, int64_t k, int32_t zero, int8_t* integers, float* scales, int32_t* offsets);
  void (*linear_int8)(const Int8Panel&);
  // x [k] -> integers [k rounded up to 4], their scale and -zero times their sum; a NaN or an infinity as above.
  void (*quantise_row_fp32)(const float* x, int64_t k, int32_t zero, int8_t* integers, float* scale, int32_t* offset);
  void (*quantise_row_bf16)(const BFloat16* x, int64_t k, int32_t zero, int8_t* integers, float* scale,
                            int32_t* offset);
  void (*product_fp32)(const ProductTile&);
  void (*product_bf16)(const ProductTile&);
  void (*attend_fp32)(const AttentionRows&);
  void (*attend_bf16)(const AttentionRows&);
  // Largest of each kMaximumBlock numbers, and sums of e^((x - shift) * scale) over each kSumBlock, for x [n].
  void (*block_maxima)(const float* x, int64_t n, float* maxima);
  void (*exponential_sums)(const float* x, int64_t n, float shift, float scale, float* sums);
  void (*round)(const float* from, BFloat16* to, int64_t count);
};

const InstructionSet& portable_instructions();
const InstructionSet& avx2_instructions();
const InstructionSet& avx_vnni_instructions();
const InstructionSet& avx512_instructions();

// Those that this processor can run, the fastest first; never empty.
const std::vector<const InstructionSet*>& available_instructions();
// The fastest one, or the one that the environment variable LIMBECK_INSTRUCTIONS names (avx512, avx-vnni, avx2,
// portable; another name is said to be of no use on the error stream).
const InstructionSet& instructions();

}  // namespace limbeck::kernels
