#include "train/checkpoint.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "formats/safetensors.h"

namespace limbeck::train {
namespace {

namespace fs = std::filesystem;

void read_into(const fs::path& file, const formats::NamedTensors& tensors) {
  const at::NoGradGuard no_grad;
  const auto source = formats::open_safetensors(file);
  for (auto [name, tensor] : tensors) {
    if (!source->contains(name)) user_fail(file.string(), "expected a tensor '{}' but there is none", name);
    const auto shape = source->shape(name);
    if (tensor.sizes() != at::IntArrayRef(shape))
      user_fail(file.string(), "tensor '{}': expected {} but received {}", name, fmt::join(tensor.sizes(), "x"),
                fmt::join(shape, "x"));
    tensor.copy_(source->read(name));
  }
}

formats::NamedTensors named(const std::vector<nn::NamedParameter>& parameters) {
  formats::NamedTensors tensors;
  for (const auto& p : parameters) tensors.emplace_back(p.name, p.tensor->detach());
  return tensors;
}

Json to_json(const State& state, int64_t optimiser_steps, const std::string& identity) {
  return {{"step", state.step},
          {"evaluated_step", state.evaluated_step},
          {"best_step", state.best_step},
          {"best_metric", state.best_metric},
          {"last_loss", state.last_loss},
          {"skipped_steps", state.skipped_steps},
          {"optimiser_steps", optimiser_steps},
          {"finished", state.finished},
          {"identity", identity}};
}

State state_of(const Json& json, const std::string& where) {
  return {.step = field<int64_t>(json, "step", where),
          .evaluated_step = field<int64_t>(json, "evaluated_step", where),
          .best_step = field<int64_t>(json, "best_step", where),
          .best_metric = field<double>(json, "best_metric", where),
          .last_loss = field<double>(json, "last_loss", where),
          .skipped_steps = field<int64_t>(json, "skipped_steps", where),
          .finished = field<bool>(json, "finished", where)};
}

}  // namespace

Checkpoints::Checkpoints(const Run& run, std::vector<nn::NamedParameter> parameters, Adamw& optimiser,
                         std::string identity, int64_t keep, Beside beside)
    : run_(run),
      parameters_(std::move(parameters)),
      optimiser_(optimiser),
      identity_(std::move(identity)),
      keep_(keep),
      beside_(std::move(beside)) {}

formats::NamedTensors Checkpoints::working() const {
  formats::NamedTensors tensors = optimiser_.moments();
  tensors.insert(tensors.end(), beside_.working.begin(), beside_.working.end());
  return tensors;
}

fs::path Checkpoints::folder(const char* kind, int64_t step) const {
  return run_.path(fmt::format("{}-{}", kind, step));
}

std::vector<int64_t> Checkpoints::steps_of(const char* kind) const {
  const std::string prefix = std::string(kind) + "-";
  std::vector<int64_t> steps;
  for (const auto& entry : fs::directory_iterator(run_.folder())) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory() || !name.starts_with(prefix)) continue;
    int64_t step = 0;
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, step);
    if (error == std::errc() && stop == end) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

void Checkpoints::remove_all_but(const char* kind, const std::vector<int64_t>& steps) const {
  for (const int64_t step : steps_of(kind)) {
    if (std::find(steps.begin(), steps.end(), step) != steps.end()) continue;
    // A half-removed folder must not look complete, and a kill leaves what remove_temporaries knows.
    const fs::path leaving = run_.path(fmt::format("{}-{}.tmp-{}", kind, step, ::getpid()));
    fs::remove_all(leaving);
    fs::rename(folder(kind, step), leaving);
    fs::remove_all(leaving);
  }
}

State Checkpoints::restore() {
  remove_temporaries(run_.folder());
  const auto steps = steps_of("checkpoint");
  if (steps.empty()) {
    remove_all_but("best", {});
    return {};
  }
  const fs::path newest = folder("checkpoint", steps.back());
  const std::string where = (newest / "state.json").string();
  const Json json = read_json(where);
  if (field<std::string>(json, "identity", where) != identity_)
    user_fail(where,
              "expected a checkpoint of the same options, data and model but this one is of others; choose another "
              "folder or remove this one");
  const State state = state_of(json, where);
  read_into(newest / "parameters.safetensors", named(parameters_));
  if (!state.finished) read_into(newest / "moments.safetensors", working());
  if (!beside_.lasting.empty()) read_into(newest / "kept.safetensors", beside_.lasting);
  optimiser_.set_num_steps(field<int64_t>(json, "optimiser_steps", where));
  remove_all_but("best", state.finished ? std::vector<int64_t>{} : std::vector{state.best_step});
  return state;
}

void Checkpoints::write(const State& state) const {
  write_folder_atomically(folder("checkpoint", state.step), [&](const fs::path& to) {
    formats::write_safetensors(to / "parameters.safetensors", named(parameters_));
    if (!state.finished) formats::write_safetensors(to / "moments.safetensors", working());
    if (!beside_.lasting.empty()) formats::write_safetensors(to / "kept.safetensors", beside_.lasting);
    write_json(to / "state.json", to_json(state, optimiser_.num_steps(), identity_));
  });
}

void Checkpoints::save(const State& state) {
  write(state);
  const auto steps = steps_of("checkpoint");
  const auto first = steps.end() - std::min<std::ptrdiff_t>(keep_, std::ssize(steps));
  remove_all_but("checkpoint", {first, steps.end()});
  remove_all_but("best", {state.best_step});
}

void Checkpoints::save_best(int64_t step) {
  write_folder_atomically(folder("best", step), [&](const fs::path& to) {
    formats::write_safetensors(to / "parameters.safetensors", named(parameters_));
  });
}

void Checkpoints::finish(State& state, bool restore_best) {
  if (restore_best) read_into(folder("best", state.best_step) / "parameters.safetensors", named(parameters_));
  state.finished = true;
  write(state);
  remove_all_but("checkpoint", {state.step});
  remove_all_but("best", {});
}

void remove_checkpoints(const fs::path& run_folder) {
  for (const auto& entry : fs::directory_iterator(run_folder))
    if (entry.path().filename().string().starts_with("checkpoint-")) fs::remove_all(entry.path());
}

}  // namespace limbeck::train
