// limbeck doctor: what works on this machine, what is missing and how to get it.
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/fields.h"
#include "base/machine.h"
#include "cli/verbs.h"
#include "kernels/instruction_sets.h"
#include "sandbox/judge.h"

namespace limbeck::cli {
namespace {

struct DoctorOptions {
  bool rates = true;
  void describe(Fields& f) { f("rates", rates, "measures matrix products, which takes about a second"); }
};

enum class State { kWorks, kMissing, kFailed };

void print_line(State state, std::string_view what, std::string_view detail) {
  const char* const marks[] = {"ok", "--", "NO"};
  fmt::print("  {} {:<22} {}\n", marks[static_cast<int>(state)], what, detail);
}

void show_processor() {
  fmt::print("processor: {}, {} cores for this process\n", processor_name(), num_cores());
  const auto features = processor_features();
  const auto line = [&](const char* feature, const char* without) {
    const bool here = std::find(features.begin(), features.end(), feature) != features.end();
    print_line(here ? State::kWorks : State::kMissing, feature, here ? "" : without);
  };
  line("avx2", "the portable kernels run instead, several times slower");
  line("avx512f", "kernels use avx2");
  line("avx512_vnni", "no fast int8 products");
  line("avx512_bf16", "bf16 products are no faster than fp32 unless there is amx_bf16");
  line("amx_bf16", "only some servers have it; nothing is lost but speed");
  print_line(State::kWorks, "kernels", fmt::format("{} in use", kernels::instructions().name));
}

// Products of 1024 x 1024 matrices for a quarter of a second; the best of them in GF/s.
double product_rate(at::ScalarType type) {
  constexpr int64_t kSide = 1024;
  const at::Tensor a = at::ones({kSide, kSide}, type), b = at::full({kSide, kSide}, 0.5, type);
  double best = 0;
  using Clock = std::chrono::steady_clock;
  for (const auto end = Clock::now() + std::chrono::milliseconds(250); Clock::now() < end;) {
    const auto start = Clock::now();
    const at::Tensor c = at::mm(a, b);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (c[0][0].item<float>() != kSide * 0.5F) return -1;
    best = std::max(best, 2.0 * kSide * kSide * kSide / seconds / 1e9);
  }
  return best;
}

bool show_libtorch(bool rates) {
  fmt::print("LibTorch: {}, {} threads\n", TORCH_VERSION, at::get_num_threads());
  if (!rates) return true;
  bool right = true;
  for (const auto& [type, name] : {std::pair{at::kFloat, "fp32 products"}, std::pair{at::kBFloat16, "bf16 products"}}) {
    const double rate = product_rate(type);
    right = right && rate > 0;
    print_line(
        rate > 0 ? State::kWorks : State::kFailed, name,
        rate > 0 ? fmt::format("{:.0f} GF/s", rate) : "gave wrong numbers; is this LibTorch made for this processor?");
  }
  return right;
}

// The folder of the LibTorch that this program runs on.
std::filesystem::path libtorch_folder() {
  Dl_info info = {};
  const auto* symbol = reinterpret_cast<const void*>(static_cast<int (*)()>(&at::get_num_threads));
  if (dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::weakly_canonical(info.dli_fname).parent_path();
}

// Must come before the first question about CUDA, whose answer LibTorch remembers.
void show_gpu() {
  namespace fs = std::filesystem;
  fmt::print("GPU (not needed):\n");
  std::error_code ignored;
  const bool driver = fs::exists("/dev/nvidiactl", ignored);
  print_line(driver ? State::kWorks : State::kMissing, "NVIDIA driver", driver ? "" : "/dev/nvidiactl is not there");
  const fs::path library = libtorch_folder() / "libtorch_cuda.so";
  if (!fs::exists(library, ignored)) {
    print_line(State::kMissing, "LibTorch's GPU part",
               fmt::format("{} is not there; scripts/setup --cuda gets it", library.string()));
    return;
  }
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    print_line(State::kFailed, "LibTorch's GPU part",
               fmt::format("{}; scripts/setup --cuda gets what it needs", dlerror()));
    return;
  }
  const int devices = at::detail::getCUDAHooks().deviceCount();
  print_line(devices > 0 ? State::kWorks : State::kMissing, "LibTorch's GPU part",
             fmt::format("sees {} devices", devices));
}

bool show_sandbox() {
  fmt::print("sandbox (for run and verify):\n");
  bool works = true;
  for (const auto& finding : sandbox::diagnose()) {
    print_line(finding.works ? State::kWorks : State::kFailed, finding.what, finding.why);
    works = works && finding.works;
  }
  return works;
}

}  // namespace

int verb_doctor(const Args& args) {
  DoctorOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  const at::NoGradGuard no_gradients;
  fmt::print("limbeck {}\n", LIMBECK_VERSION);
  show_processor();
  show_gpu();
  const bool products = show_libtorch(options.rates);
  const bool sandbox = show_sandbox();
  if (!products) {
    fmt::print("Limbeck cannot work here.\n");
  } else if (!sandbox) {
    fmt::print("Limbeck works here, except that it runs no programs: see the sandbox above.\n");
  } else {
    fmt::print("Limbeck works here.\n");
  }
  return products ? 0 : 1;
}

}  // namespace limbeck::cli
