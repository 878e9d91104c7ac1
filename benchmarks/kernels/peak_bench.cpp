// The machine's measured peak as rows of its own: with one thread and with all.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <string>

#include "benchmarks/kernels/peak.h"

namespace limbeck::benchmarks {
namespace {

void show_peak(benchmark::State& state, int threads) {
  ArithmeticPeak arithmetic;
  MemoryPeak memory;
  for (auto _ : state) {
    arithmetic = measure_arithmetic(threads);
    memory = measure_memory(threads);
  }
  state.counters["fp32_GF/s"] = arithmetic.fp32 / 1e9;
  state.counters["bf16_GF/s"] = arithmetic.bf16 / 1e9;
  state.counters["int8_GF/s"] = arithmetic.int8 / 1e9;
  state.counters["read_GB/s"] = memory.read / 1e9;
  state.counters["write_GB/s"] = memory.write / 1e9;
  state.counters["copy_GB/s"] = memory.copy / 1e9;
}

void add_peak(const std::string& name, int threads) {
  benchmark::RegisterBenchmark(name.c_str(), show_peak, threads)->Iterations(1)->UseRealTime();
}

const bool kAdded = [] {
  add_peak("peak/one_thread", 1);
  add_peak("peak/all_threads", omp_get_max_threads());
  return true;
}();

}  // namespace
}  // namespace limbeck::benchmarks
