#include "kernels/matrix_product.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>

#include "kernels/attention_panels.h"  // kCellNumbers, round_up
#include "kernels/instruction_sets.h"
#include "kernels/product_packing.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kDepthBytes = 3072;                // of a row that is contracted at once: a panel is 147 KB
constexpr int64_t kBlockBytes = int64_t{4} << 20;    // of b, packed and shared by all threads
constexpr int64_t kMostStrips = 8;                   // of rows of a that a thread takes at a time
constexpr int64_t kWorthAThread = int64_t{1} << 18;  // multiply-adds

// Memory of a thread that serves one product after the other. On a cache line; what stands in it is anything.
class Scratch {
 public:
  template <class T>
  T* get(int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (bytes > bytes_) {
      memory_.reset();
      memory_.reset(static_cast<char*>(::operator new (bytes, std::align_val_t{64})));
      bytes_ = bytes;
    }
    return reinterpret_cast<T*>(memory_.get());
  }

 private:
  struct Free {
    void operator()(char* memory) const { ::operator delete (memory, std::align_val_t{64}); }
  };
  std::unique_ptr<char, Free> memory_;
  std::size_t bytes_ = 0;
};
thread_local Scratch panels_scratch, strips_scratch, sums_scratch;

// Steps of `size` through 0 .. total, made even: no step is longer, and the last one not much shorter.
struct Steps {
  int64_t total, size, count;
  Steps(int64_t total, int64_t most, int64_t unit)
      : total(total),
        size(round_up((total + pieces(total, most) - 1) / pieces(total, most), unit)),
        count((total + size - 1) / size) {}
  static int64_t pieces(int64_t total, int64_t most) { return std::max<int64_t>(1, (total + most - 1) / most); }
  int64_t begin(int64_t i) const { return i * size; }
  int64_t length(int64_t i) const { return std::min(size, total - i * size); }
};

template <class Number>
class Multiplication {
 public:
  explicit Multiplication(const MatrixProduct<Number>& product)
      : p_(product),
        tile_(std::is_same_v<Number, BFloat16> ? instructions().product_bf16 : instructions().product_fp32),
        depth_(p_.k, kDepthBytes / sizeof(Number), 2),
        threads_(p_.m * p_.n * p_.k > kWorthAThread ? omp_get_max_threads() : 1),
        strips_((p_.m + kStripRows - 1) / kStripRows),
        parts_(std::min(strips_, round_up((strips_ + kMostStrips - 1) / kMostStrips, 2 * threads_))),
        // An odd pair would read past the row.
        pack_a_(p_.a.contracted == Contracted::kAcrossRows || p_.k % kNumbers != 0) {
    // A low output cannot carry sums from one block of k to the next: all of k is packed at once then.
    const int64_t depth_at_once = p_.c ? std::min(p_.k, 2 * depth_.size) : p_.k;
    depths_at_once_ = (depth_at_once + depth_.size - 1) / depth_.size;
    const int64_t fit = kBlockBytes / static_cast<int64_t>(sizeof(Number)) / (depths_at_once_ * depth_.size);
    columns_at_once_ = std::clamp(fit / kPanelColumns * kPanelColumns, kPanelColumns, round_up(p_.n, kPanelColumns));
  }

  void run() {
    Number* const shared = panels_scratch.get<Number>(columns_at_once_ * depths_at_once_ * depth_.size);
#pragma omp parallel num_threads(static_cast <int>(threads_))
    {
      Number* const strips = pack_a_ ? strips_scratch.get<Number>(most_rows() * depth_.size) : nullptr;
      const bool carries = !p_.c && depth_.count > 1;
      float* const sums = carries ? sums_scratch.get<float>(most_rows() * columns_at_once_) : nullptr;
      for (int64_t column = 0; column < p_.n; column += columns_at_once_)
        for (int64_t first = 0; first < depth_.count; first += depths_at_once_) {
          const Block block{column, std::min(columns_at_once_, p_.n - column), first,
                            std::min(depth_.count, first + depths_at_once_)};
          const int64_t panels = (block.columns + kPanelColumns - 1) / kPanelColumns;
#pragma omp for schedule(static)
          for (int64_t i = 0; i < panels * (block.last - block.first); ++i)
            pack(block, block.first + i / panels, i % panels, shared);
#pragma omp for schedule(dynamic)
          for (int64_t r = 0; r < parts_; ++r) multiply_rows(block, r, shared, strips, sums);
        }
    }
  }

 private:
  static constexpr int64_t kNumbers = kCellNumbers<Number>;
  struct Block {
    int64_t column, columns;  // of b
    int64_t first, last;      // steps of depth_
  };

  int64_t most_rows() const {
    return (strips_ + parts_ - 1) / parts_ * kStripRows;
  }

  // Panels of one step of depth stand together, each as long as if it were full.
  Number* panel_at(const Block& block, int64_t depth, int64_t panel, Number* shared) const {
    return shared + ((depth - block.first) * columns_at_once_ + panel * kPanelColumns) * depth_.size;
  }

  void pack(const Block& block, int64_t depth, int64_t panel, Number* shared) const {
    const int64_t first = panel * kPanelColumns, columns = std::min(kPanelColumns, block.columns - first);
    const auto from = [&](const auto& b) {
      pack_panel(b, block.column + first, columns, depth_.begin(depth), depth_.length(depth),
                 panel_at(block, depth, panel, shared));
    };
    if constexpr (std::is_same_v<Number, BFloat16>)
      if (p_.b_wide.numbers) return from(p_.b_wide);
    from(p_.b);
  }

  void multiply_rows(const Block& block, int64_t r, Number* shared, Number* strips, float* sums) const {
    const int64_t row = strips_ * r / parts_ * kStripRows;
    ProductTile tile;
    tile.rows = std::min(strips_ * (r + 1) / parts_ * kStripRows, p_.m) - row;
    for (int64_t depth = block.first; depth < block.last; ++depth) {
      const bool begins = depth == 0, ends = depth + 1 == depth_.count;
      tile.num_cells = (depth_.length(depth) + kNumbers - 1) / kNumbers;
      tile.packed = pack_a_;
      if (pack_a_) {
        pack_strips(p_.a, row, tile.rows, depth_.begin(depth), depth_.length(depth), strips);
        tile.a = strips;
      } else {
        tile.a = p_.a.numbers + row * p_.a.stride + depth_.begin(depth);
        tile.a_stride = p_.a.stride;
      }
      for (int64_t first = 0; first < block.columns; first += kPanelColumns) {
        const int64_t panel = first / kPanelColumns;
        tile.columns = std::min(kPanelColumns, block.columns - first);
        tile.panel = panel_at(block, depth, panel, shared);
        tile.next = first + kPanelColumns < block.columns ? panel_at(block, depth, panel + 1, shared) : nullptr;
        place(tile, row, block.column + first, sums ? sums + first : nullptr, begins, ends);
        tile_(tile);
      }
    }
  }

  // Where the sums of a tile come from and go to.
  void place(ProductTile& tile, int64_t row, int64_t column, float* sums, bool begins, bool ends) const {
    tile.bias = p_.bias && ends ? p_.bias + column : nullptr;
    float* carried = p_.c ? p_.c + row * p_.c_stride + column : sums;
    const int64_t stride = p_.c ? p_.c_stride : columns_at_once_;
    tile.start = begins && !(p_.c && p_.add) ? nullptr : carried;
    tile.start_stride = stride;
    tile.c = p_.c || !ends ? carried : nullptr;
    tile.c_low = p_.c ? nullptr : p_.c_low + row * p_.c_stride + column;
    tile.c_stride = tile.c ? stride : p_.c_stride;
  }

  MatrixProduct<Number> p_;
  void (*tile_)(const ProductTile&);
  Steps depth_;
  int64_t threads_;
  int64_t strips_, parts_;  // of the rows of a; parts of about the same number of strips
  bool pack_a_;
  int64_t depths_at_once_ = 0, columns_at_once_ = 0;
};

template <class Number>
void multiply_or_clear(const MatrixProduct<Number>& p) {
  if (p.m <= 0 || p.n <= 0) return;
  if (p.k > 0) return Multiplication<Number>(p).run();
  if (p.add) return;
  for (int64_t r = 0; r < p.m; ++r)
    for (int64_t j = 0; j < p.n; ++j) {
      const float value = p.bias ? p.bias[j] : 0.0f;
      if (p.c)
        p.c[r * p.c_stride + j] = value;
      else
        p.c_low[r * p.c_stride + j] = to_bfloat16(value);
    }
}

bool has_amx() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("amx-bf16");
#else
  return false;
#endif
}

}  // namespace

void multiply(const MatrixProduct<float>& product) {
  multiply_or_clear(product);
}
void multiply(const MatrixProduct<BFloat16>& product) {
  multiply_or_clear(product);
}

bool products_are_fast(bool bf16) {
  static const bool wide = std::string_view(instructions().name) == "avx512", amx = has_amx();
  return wide && !(bf16 && amx);
}

}  // namespace limbeck::kernels
