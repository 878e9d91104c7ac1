#include "benchmarks/kernels/peak.h"

#include <omp.h>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

namespace limbeck::benchmarks {
namespace {

constexpr int kTries = 5;
constexpr int64_t kRounds = int64_t{1} << 21;         // about 10 ms of 24 multiply-adds each
constexpr int64_t kStreamBytes = int64_t{192} << 20;  // a buffer: many times the caches
constexpr int64_t kPieceBytes = int64_t{8} << 20;     // what memset and memcpy get at once
constexpr int kSums = 24;                             // independent chains: latency x width of the widest core

using Clock = std::chrono::steady_clock;

// Of all threads by the clock; of one by the processor's, which other work on the machine does not stop.
double seconds(int threads) {
  timespec now;
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

constexpr auto kFresh = std::chrono::seconds(4);

// Best rate of some tries of `work(thread)` on each of `threads` threads; `amount` is what one thread does in a try.
template <class Work>
double best_rate(int threads, double amount, const Work& work) {
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    double begun = 0, ended = 0;
#pragma omp parallel num_threads(threads)
    {
#pragma omp barrier
#pragma omp master
      begun = seconds(threads);
      work(omp_get_thread_num());
#pragma omp barrier
#pragma omp master
      ended = seconds(threads);
    }
    best = std::max(best, amount * threads / (ended - begun));
  }
  return best;
}

// The sums are asked for in registers after each round, so that no multiply-add is left out or kept in memory.
#if defined(__x86_64__)
__attribute__((target("avx512f"))) void add_fp32_512(int64_t rounds) {
  __m512 sums[kSums] = {}, a = _mm512_set1_ps(1e-3f), b = _mm512_set1_ps(1e-3f);
  for (int64_t round = 0; round < rounds; ++round)
#pragma GCC unroll 24
    for (int i = 0; i < kSums; ++i) {
      sums[i] = _mm512_fmadd_ps(a, b, sums[i]);
      asm volatile("" : "+v"(sums[i]));
    }
}

__attribute__((target("avx512f,avx512bf16"))) void add_bf16_512(int64_t rounds) {
  __m512 sums[kSums] = {};
  const __m512bh a = (__m512bh)_mm512_set1_epi16(0x3a83), b = a;  // 1e-3
  for (int64_t round = 0; round < rounds; ++round)
#pragma GCC unroll 24
    for (int i = 0; i < kSums; ++i) {
      sums[i] = _mm512_dpbf16_ps(sums[i], a, b);
      asm volatile("" : "+v"(sums[i]));
    }
}

__attribute__((target("avx512f,avx512vnni"))) void add_int8_512(int64_t rounds) {
  __m512i sums[kSums] = {};
  const __m512i a = _mm512_set1_epi8(1), b = a;
  for (int64_t round = 0; round < rounds; ++round)
#pragma GCC unroll 24
    for (int i = 0; i < kSums; ++i) {
      sums[i] = _mm512_dpbusd_epi32(sums[i], a, b);
      asm volatile("" : "+v"(sums[i]));
    }
}

__attribute__((target("avx2,fma"))) void add_fp32_256(int64_t rounds) {
  __m256 sums[kSums / 2] = {}, a = _mm256_set1_ps(1e-3f), b = a;
  for (int64_t round = 0; round < 2 * rounds; ++round)
#pragma GCC unroll 12
    for (int i = 0; i < kSums / 2; ++i) {
      sums[i] = _mm256_fmadd_ps(a, b, sums[i]);
      asm volatile("" : "+x"(sums[i]));
    }
}
#endif

void add_portable(int64_t rounds) {
  typedef float Lanes __attribute__((vector_size(16)));
  Lanes sums[kSums / 2] = {}, a = {1e-3f, 1e-3f, 1e-3f, 1e-3f};
  for (int64_t round = 0; round < 2 * rounds; ++round)
#pragma GCC unroll 12
    for (int i = 0; i < kSums / 2; ++i) {
      sums[i] += a * a;
      asm volatile("" : "+m"(sums[i]));
    }
}

using Rounds = void (*)(int64_t);

double arithmetic_rate(int threads, int lanes, Rounds rounds) {
  return best_rate(threads, 2.0 * lanes * kSums * kRounds, [&](int) { rounds(kRounds); });
}

#define LIMBECK_STREAM __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
constexpr int64_t kAhead = 2048;  // bytes, that are asked for before they are read

// Eight lines at a time in sums of their own; `from` is a whole number of them.
LIMBECK_STREAM int64_t sum_of_stream(const char* from, int64_t bytes) {
  typedef int64_t Line __attribute__((vector_size(64)));
  Line sums[8] = {};
  for (int64_t i = 0; i < bytes; i += 512)
#pragma GCC unroll 8
    for (int line = 0; line < 8; ++line) {
      __builtin_prefetch(from + i + line * 64 + kAhead);
      Line lanes;
      std::memcpy(&lanes, from + i + line * 64, sizeof(lanes));
      sums[line] += lanes;
    }
  int64_t total = 0;
  for (const Line& sum : sums)
    for (int lane = 0; lane < 8; ++lane) total += sum[lane];
  return total;
}

LIMBECK_STREAM void add_one(int32_t* numbers, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) numbers[i] += 1;
}

// Uninitialised memory whose pages are touched by the threads that will use it.
std::unique_ptr<char[], decltype(&std::free)> stream(int threads) {
  std::unique_ptr<char[], decltype(&std::free)> bytes(static_cast<char*>(std::aligned_alloc(1 << 21, kStreamBytes)),
                                                      std::free);
  madvise(bytes.get(), kStreamBytes, MADV_HUGEPAGE);
#pragma omp parallel num_threads(threads)
  {
    const int64_t share = kStreamBytes / threads;
    std::memset(bytes.get() + share * omp_get_thread_num(), 1, share);
  }
  return bytes;
}

}  // namespace

ArithmeticPeak measure_arithmetic(int threads) {
  ArithmeticPeak peak;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) {
    peak.fp32 = arithmetic_rate(threads, 16, add_fp32_512);
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    peak.fp32 = arithmetic_rate(threads, 8, add_fp32_256);
  }
  if (__builtin_cpu_supports("avx512bf16")) peak.bf16 = arithmetic_rate(threads, 32, add_bf16_512);
  if (__builtin_cpu_supports("avx512vnni")) peak.int8 = arithmetic_rate(threads, 64, add_int8_512);
#endif
  if (peak.fp32 == 0) peak.fp32 = arithmetic_rate(threads, 4, add_portable);
  if (peak.bf16 == 0) peak.bf16 = peak.fp32;
  if (peak.int8 == 0) peak.int8 = peak.fp32;
  return peak;
}

MemoryPeak measure_memory(int threads) {
  const auto from = stream(threads), to = stream(threads);
  const int64_t share = kStreamBytes / threads / 4096 * 4096;
  MemoryPeak peak;
  peak.read = best_rate(threads, static_cast<double>(share), [&](int thread) {
    const int64_t sum = sum_of_stream(from.get() + share * thread, share);
    asm volatile("" : : "r"(sum));
  });
  // The C library writes past the caches where a piece is large, which is faster on some machines and slower on others.
  const auto in_pieces = [&](int64_t piece, double amount, auto work) {
    return best_rate(threads, amount, [&](int thread) {
      for (int64_t done = 0; done < share; done += piece) work(share * thread + done, std::min(piece, share - done));
    });
  };
  for (const int64_t piece : {kPieceBytes, share}) {
    const double write = in_pieces(piece, static_cast<double>(share),
                                   [&](int64_t at, int64_t bytes) { std::memset(to.get() + at, 2, bytes); });
    const double copy = in_pieces(
        piece, 2.0 * share, [&](int64_t at, int64_t bytes) { std::memcpy(to.get() + at, from.get() + at, bytes); });
    peak.write = std::max(peak.write, write);
    peak.copy = std::max(peak.copy, copy);
  }
  const double in_place = best_rate(threads, 2.0 * share, [&](int thread) {
    add_one(reinterpret_cast<int32_t*>(to.get() + share * thread), share / 4);
  });
  peak.copy = std::max(peak.copy, in_place);
  return peak;
}

Peak peak() {
  static const ArithmeticPeak kArithmetic = measure_arithmetic(omp_get_max_threads());
  static MemoryPeak memory;
  static Clock::time_point measured = Clock::time_point::min();
  if (measured == Clock::time_point::min() || Clock::now() - measured > kFresh) {
    memory = measure_memory(omp_get_max_threads());
    measured = Clock::now();
  }
  return {kArithmetic, memory};
}

}  // namespace limbeck::benchmarks
