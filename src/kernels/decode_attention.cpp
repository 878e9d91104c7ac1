#include "kernels/decode_attention.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/instruction_sets.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kWorthThreads = int64_t{1} << 16;  // multiply-adds of scores
constexpr int64_t kTaskRows = 24;                    // queries of one head that a thread takes at once

// Consecutive new tokens of one sequence.
struct Stretch {
  const CachedSequence* sequence;
  int64_t first_token, num_tokens;  // within the sequence's new tokens
};

// Stretches that one thread takes for one head; all of them begin with the same prefix.
using Task = std::vector<Stretch>;

std::vector<Task> split(const CachedAttention& call) {
  const int64_t group = call.num_heads / call.shape.num_kv_heads;
  const int64_t room = std::max<int64_t>(1, kTaskRows / group);
  std::vector<Task> tasks;
  int64_t left = 0;
  const CachedSequence* before = nullptr;
  for (const CachedSequence& sequence : call.sequences) {
    const bool joins =
        before && before->prefix_pages == sequence.prefix_pages && before->prefix_length == sequence.prefix_length;
    if (!joins) left = 0;
    for (int64_t token = 0; token < sequence.num_rows;) {
      if (left == 0) tasks.emplace_back(), left = room;
      const int64_t count = std::min(left, sequence.num_rows - token);
      tasks.back().push_back({&sequence, token, count});
      token += count, left -= count;
    }
    before = &sequence;
  }
  return tasks;
}

template <class From, class To>
void copy(const From* from, To* to, int64_t count) {
  if constexpr (std::is_same_v<From, To>) {
    std::copy_n(from, count, to);
  } else if constexpr (std::is_same_v<From, float>) {
    instructions().round(from, to, count);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = to_float(from[i]);
  }
}

template <class To>
void copy_row(const HeadRows& rows, int64_t row, int64_t head, int64_t count, To* to) {
  const int64_t place = row * rows.row_stride + head * rows.head_stride;
  if (rows.format == Format::kFp32) {
    copy(static_cast<const float*>(rows.numbers) + place, to, count);
  } else {
    copy(static_cast<const BFloat16*>(rows.numbers) + place, to, count);
  }
}

template <class Number>
class Attention {
 public:
  static constexpr int64_t kCell = std::is_same_v<Number, float> ? 1 : 2;
  explicit Attention(const CachedAttention& call)
      : call_(call),
        group_(call.num_heads / call.shape.num_kv_heads),
        size_(call.shape.head_size),
        padded_(call.shape.padded_head()) {}

  void run() {
    const auto num_sequences = static_cast<int64_t>(call_.sequences.size());
    const std::vector<Task> tasks = split(call_);
    const int64_t num_tasks = static_cast<int64_t>(tasks.size()), num_heads = call_.shape.num_kv_heads;
    // A sequence of one new token is in one task, which can write that token itself: no thread waits for another.
    const bool one_each = std::all_of(call_.sequences.begin(), call_.sequences.end(),
                                      [](const CachedSequence& sequence) { return sequence.num_rows == 1; });
#pragma omp parallel if (worth_threads())
    {
      if (!one_each) {
#pragma omp for collapse(2)
        for (int64_t s = 0; s < num_sequences; ++s)
          for (int64_t head = 0; head < num_heads; ++head) write(call_.sequences[static_cast<std::size_t>(s)], head);
      }
#pragma omp for collapse(2) schedule(dynamic)
      for (int64_t t = 0; t < num_tasks; ++t)
        for (int64_t head = 0; head < num_heads; ++head) {
          const Task& task = tasks[static_cast<std::size_t>(t)];
          if (one_each)
            for (const Stretch& stretch : task) write(*stretch.sequence, head);
          attend(task, head);
        }
    }
  }

 private:
  bool worth_threads() const {
    int64_t pairs = 0;  // of a new token and a position that it may see
    for (const CachedSequence& s : call_.sequences) pairs += s.num_rows * (s.prefix_length + s.length + s.num_rows);
    return pairs * call_.num_heads * padded_ >= kWorthThreads;
  }

  void write(const CachedSequence& sequence, int64_t head) const {
    const int64_t block = call_.shape.block_bytes(), offset = call_.shape.key_offset(call_.layer, head);
    static thread_local std::vector<Number> numbers;
    numbers.assign(static_cast<std::size_t>((size_ + kCell - 1) / kCell * kCell), Number{});
    for (int64_t t = 0; t < sequence.num_rows; ++t) {
      const int64_t position = sequence.length + t, slot = position % kPositionsPerPage;
      char* page = sequence.pages[position / kPositionsPerPage] + offset;
      // What a page held before must not reach a sum, where 0 times infinity would not be 0.
      if (slot == 0) std::memset(page, 0, static_cast<std::size_t>(2 * block));
      Number* keys = reinterpret_cast<Number*>(page);
      Number* values = reinterpret_cast<Number*>(page + block);
      copy_row(call_.k, sequence.first_row + t, head, size_, numbers.data());
      for (int64_t e = 0; e < size_; e += kCell)
        std::memcpy(keys + (e / kCell * kPositionsPerPage + slot) * kCell, numbers.data() + e, kCell * sizeof(Number));
      copy_row(call_.v, sequence.first_row + t, head, size_, numbers.data());
      for (int64_t e = 0; e < size_; ++e) values[(slot / kCell * padded_ + e) * kCell + slot % kCell] = numbers[e];
    }
  }

  // What a thread needs for one task; kept between calls.
  struct Scratch {
    std::vector<Number> q;
    std::vector<float> largest, total, output;
    std::vector<int64_t> begin, end, own_begin, own_end;
  };

  void attend(const Task& task, int64_t head) const {
    static thread_local Scratch scratch;
    int64_t num_rows = 0;
    for (const Stretch& stretch : task) num_rows += stretch.num_tokens * group_;
    const auto rows = static_cast<std::size_t>(num_rows);
    scratch.q.assign(rows * static_cast<std::size_t>(padded_), Number{});
    scratch.output.assign(rows * static_cast<std::size_t>(padded_), 0.0f);
    scratch.largest.assign(rows, -std::numeric_limits<float>::infinity());
    scratch.total.assign(rows, 0.0f);
    for (auto* places : {&scratch.begin, &scratch.end, &scratch.own_begin, &scratch.own_end}) places->resize(rows);
    place_rows(task, head, scratch);

    AttentionRows call{.q = scratch.q.data(),
                       .rows = num_rows,
                       .head_size = padded_,
                       .key_offset = call_.shape.key_offset(call_.layer, head),
                       .value_offset = call_.shape.key_offset(call_.layer, head) + call_.shape.block_bytes(),
                       .begin = scratch.begin.data(),
                       .end = scratch.end.data(),
                       .scale = call_.scale,
                       .softcap = call_.softcap,
                       .largest = scratch.largest.data(),
                       .total = scratch.total.data(),
                       .output = scratch.output.data()};
    const auto attend_rows = kCell == 1 ? instructions().attend_fp32 : instructions().attend_bf16;
    const CachedSequence& first = *task.front().sequence;
    if (first.prefix_length > 0) {
      call.pages = first.prefix_pages;
      attend_rows(call);
    }
    int64_t row = 0;
    for (const Stretch& stretch : task) {
      AttentionRows own = call;
      own.rows = stretch.num_tokens * group_;
      own.pages = stretch.sequence->pages;
      own.q = scratch.q.data() + row * padded_;
      own.begin = scratch.own_begin.data() + row;
      own.end = scratch.own_end.data() + row;
      own.largest += row, own.total += row, own.output += row * padded_;
      attend_rows(own);
      row += own.rows;
    }
    if (call_.q.format == Format::kFp32) {
      write_output(task, head, scratch, static_cast<float*>(call_.output));
    } else {
      write_output(task, head, scratch, static_cast<BFloat16*>(call_.output));
    }
  }

  // Copies the queries and says what each sees of the prefix and of its own positions.
  void place_rows(const Task& task, int64_t head, Scratch& scratch) const {
    std::size_t row = 0;
    for (const Stretch& stretch : task) {
      const CachedSequence& sequence = *stretch.sequence;
      for (int64_t t = stretch.first_token; t < stretch.first_token + stretch.num_tokens; ++t) {
        const int64_t own = sequence.length + t + 1;  // own positions up to this token
        const int64_t hidden = call_.window > 0 ? std::max<int64_t>(0, sequence.prefix_length + own - call_.window) : 0;
        for (int64_t g = 0; g < group_; ++g, ++row) {
          copy_row(call_.q, sequence.first_row + t, head * group_ + g, size_,
                   scratch.q.data() + row * static_cast<std::size_t>(padded_));
          scratch.begin[row] = std::min(hidden, sequence.prefix_length);
          scratch.end[row] = sequence.prefix_length;
          scratch.own_begin[row] = std::max<int64_t>(0, hidden - sequence.prefix_length);
          scratch.own_end[row] = own;
        }
      }
    }
  }

  template <class Out>
  void write_output(const Task& task, int64_t head, Scratch& scratch, Out* output) const {
    std::size_t row = 0;
    for (const Stretch& stretch : task)
      for (int64_t t = stretch.first_token; t < stretch.first_token + stretch.num_tokens; ++t)
        for (int64_t g = 0; g < group_; ++g, ++row) {
          const float inverse = 1.0f / scratch.total[row];
          float* from = scratch.output.data() + row * static_cast<std::size_t>(padded_);
#pragma omp simd
          for (int64_t e = 0; e < size_; ++e) from[e] *= inverse;
          copy(from, output + ((stretch.sequence->first_row + t) * call_.num_heads + head * group_ + g) * size_, size_);
        }
  }

  const CachedAttention& call_;
  int64_t group_, size_, padded_;
};

}  // namespace

void attend(const CachedAttention& call) {
  if (call.shape.format == Format::kFp32) {
    Attention<float>(call).run();
  } else {
    Attention<BFloat16>(call).run();
  }
}

}  // namespace limbeck::kernels
