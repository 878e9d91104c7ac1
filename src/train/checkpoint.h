// What a run needs to go on: RUN/checkpoint-N after N steps, and RUN/best-N with the weights of the best evaluation so
// far.
//   checkpoint-N/  parameters.safetensors  moments.safetensors  kept.safetensors  state.json
// Folders appear under their names only when they are complete. A finished run leaves one checkpoint: the weights it
// ended with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/run.h"
#include "formats/safetensors.h"
#include "nn/parameters.h"
#include "train/adamw.h"

namespace limbeck::train {

struct State {
  int64_t step = 0;            // optimiser steps done
  int64_t evaluated_step = 0;  // the last step whose evaluation is done
  int64_t best_step = 0;       // 0: none yet
  double best_metric = 0, last_loss = 0;
  int64_t skipped_steps = 0;
  bool finished = false;
};

// What a checkpoint holds beside the parameters and the optimiser's moments; written and read in place.
struct Beside {
  formats::NamedTensors working;  // until the run is finished
  formats::NamedTensors lasting;  // in what a finished run leaves too
};

class Checkpoints {
 public:
  // `identity` tells runs apart whose checkpoints must not be mixed up (options, data, shapes).
  Checkpoints(const Run& run, std::vector<nn::NamedParameter> parameters, Adamw& optimiser, std::string identity,
              int64_t keep, Beside beside = {});

  // Fills parameters and moments from the newest checkpoint; a fresh State when there is none. Throws UserError when
  // the newest one belongs to something else. What a killed process left behind is removed.
  State restore();
  void save(const State& state);  // then removes all but the newest `keep` and best weights nobody names
  void save_best(int64_t step);   // best-STEP
  // Marks the run as finished; with restore_best the parameters go back to best-STEP first.
  void finish(State& state, bool restore_best);

 private:
  std::filesystem::path folder(const char* kind, int64_t step) const;
  std::vector<int64_t> steps_of(const char* kind) const;  // ascending
  void remove_all_but(const char* kind, const std::vector<int64_t>& steps) const;
  void write(const State& state) const;
  formats::NamedTensors working() const;  // what is no longer needed once the run is finished

  const Run& run_;
  std::vector<nn::NamedParameter> parameters_;
  Adamw& optimiser_;
  std::string identity_;
  int64_t keep_;
  Beside beside_;
};

// The checkpoints of a run whose result is kept elsewhere.
void remove_checkpoints(const std::filesystem::path& run_folder);

}  // namespace limbeck::train
