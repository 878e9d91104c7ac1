// What this machine can do at most, measured where the benchmarks run: multiply-adds that never leave the registers,
// and streams over memory far larger than the caches. A kernel's time is held against these.
#pragma once

namespace limbeck::benchmarks {

// A multiply-add counts as two operations. Arithmetic that the processor has no instruction for has the rate of fp32.
struct ArithmeticPeak {
  double fp32 = 0;  // operations a second
  double bf16 = 0;  // products of bf16 pairs, added in fp32 (AVX-512 BF16)
  double int8 = 0;  // products of four u8 with four s8, added in int32 (AVX-512 VNNI)
};
ArithmeticPeak measure_arithmetic(int threads);

struct MemoryPeak {
  double read = 0, write = 0;  // bytes a second
  double copy = 0;             // bytes read and bytes written, both counted; to another place or in place
};
MemoryPeak measure_memory(int threads);

// With all threads that OpenMP has here; the best of some tries. On a machine that is shared the speed of the memory
// changes from minute to minute, so it is measured anew when the last measurement is some seconds old.
struct Peak {
  ArithmeticPeak arithmetic;
  MemoryPeak memory;
};
Peak peak();

}  // namespace limbeck::benchmarks
