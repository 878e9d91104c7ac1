#include "benchmarks/kernels/pair.h"

#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>

#include "benchmarks/kernels/peak.h"

namespace limbeck::benchmarks {
namespace {

double arithmetic_peak(Arithmetic arithmetic) {
  const ArithmeticPeak rates = peak().arithmetic;
  if (arithmetic == Arithmetic::kBf16) return rates.bf16;
  return arithmetic == Arithmetic::kInt8 ? rates.int8 : rates.fp32;
}

// Reads at the speed of reading, writes at that of writing, or all of it at the speed of a copy if that is faster.
double memory_seconds(const Work& work) {
  const MemoryPeak rates = peak().memory;
  const double apart = work.bytes_read / rates.read + work.bytes_written / rates.write;
  return std::min(apart, (work.bytes_read + work.bytes_written) / rates.copy);
}

void run(benchmark::State& state, const Work& work, const Setup& setup) {
  const double compute = work.operations / arithmetic_peak(work.arithmetic), memory = memory_seconds(work);
  const Body body = setup();
  body();  // pages are touched, buffers of the libraries made
  for (auto _ : state) body();
  using benchmark::Counter;
  const auto a_second = [&](double amount) { return Counter(amount, Counter::kIsIterationInvariantRate); };
  if (work.operations > 0) state.counters["GF/s"] = a_second(work.operations / 1e9);
  state.counters["GB/s"] = a_second((work.bytes_read + work.bytes_written) / 1e9);
  state.counters["of_peak"] = a_second(std::max(compute, memory));
  state.SetLabel(compute > memory ? "compute" : "memory");
}

void add(const std::string& name, const Work& work, Setup setup) {
  const auto added = benchmark::RegisterBenchmark(
      name.c_str(), [work, setup = std::move(setup)](benchmark::State& state) { run(state, work, setup); });
  added->Unit(benchmark::kMicrosecond);
  // One thread is timed by its processor's clock, which other work on the machine does not stop.
  if (omp_get_max_threads() > 1) added->UseRealTime();
}

}  // namespace

Pair::Pair(const std::string& name, const Work& work, Setup limbeck, Setup aten) {
  add(name + "/limbeck", work, std::move(limbeck));
  if (aten) add(name + "/aten", work, std::move(aten));
}

at::Tensor normal(at::IntArrayRef shape, at::ScalarType type) {
  constexpr int64_t kDistinct =
      65537;  // no width divides it, so rows differ; drawing more would take longer than the work
  static const at::Tensor kDrawn = [] {
    at::manual_seed(1);
    return at::randn({kDistinct});
  }();
  const int64_t count = c10::multiply_integers(shape);
  return kDrawn.repeat({count / kDistinct + 1}).narrow(0, 0, count).view(shape).to(type).clone();
}

void backward(const at::Tensor& y, const at::Tensor& dy, const std::vector<at::Tensor>& leaves) {
  for (const at::Tensor& leaf : leaves) leaf.mutable_grad() = at::Tensor();
  y.backward(dy, /*retain_graph=*/true);
}

}  // namespace limbeck::benchmarks
