// The task of tiny_task.h with a pretrained encoder of four blocks in a folder, for recipes whose arms start from its
// layers.
#pragma once

#include <string>

#include "base/json.h"
#include "recipes/arm_study.h"
#include "recipes/tiny_task.h"

namespace limbeck::recipes {

class TinyEncoder : public TinyTask {
 protected:
  // The folder of a body without a head.
  std::string body() {
    models::EncoderConfig config = tiny_encoder_config();
    config.num_hidden_layers = 4;
    models::save_encoder(folder_ / "body", *models::make_encoder(config, {}, Seed(5)), *word_piece_tokenizer());
    return (folder_ / "body").string();
  }
  // Two seeds, three epochs.
  void fill(StudyOptions& options) {
    options.data = film_data();
    options.seeds = 2;
    options.resamples = 100;
    options.precision = Precision::kFp32;
    options.train.epochs = 3;
    options.train.batch_size = 16;
    options.train.learning_rate = 3e-3;
  }
  static Json table_of(const limbeck::Run& run) { return read_json(run.path("table.json")); }
  static Json arm_of(const limbeck::Run& run, const std::string& name) {
    const Json table = table_of(run);
    for (const Json& arm : table["arms"])
      if (arm["arm"] == name) return arm;
    throw Error("no arm " + name);
  }
  static double accuracy(const limbeck::Run& run, const std::string& arm) {
    return arm_of(run, arm)["figures"]["accuracy"]["value"].get<double>();
  }
  static std::string predictions(const limbeck::Run& run, const std::string& folder) {
    return read_file(run.path("arms/" + folder + "/predictions.jsonl"));
  }
};

}  // namespace limbeck::recipes
