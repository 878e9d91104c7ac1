// Options of every type, for the tests of reading and writing them.
#pragma once

#include "base/fields.h"

namespace limbeck {

enum class Keep { kFirst, kAll, kDistinct };

struct ExampleTraining {
  double epochs = 3, learning_rate = 1e-4;
  int64_t batch_size = 32;
  bool shuffle = true;
  void describe(Fields& f) {
    f("epochs", epochs, "passes over the examples", above(0));
    f("learning_rate", learning_rate, "peak of the schedule", above(0));
    f("batch_size", batch_size, "examples a step", at_least(1));
    f("shuffle", shuffle, "another order in each epoch");
  }
};

struct ExampleOptions {
  std::string teacher, data, note = "plain";
  double temperature = 0.6;
  int64_t samples = 8;
  Keep keep = Keep::kFirst;
  bool verbose = false;
  std::vector<std::string> stops = {"\n\n"};
  std::vector<int64_t> layers;
  std::vector<double> weights = {1, 0.5};
  ExampleTraining train;
  void describe(Fields& f) {
    f("teacher", teacher, "folder of the teacher", Names::kFileOrFolder);
    f("data", data, "the problems", Names::kFile);
    f("temperature", temperature, "of sampling", above(0));
    f.group("train", train);
    f("samples", samples, "a problem", within(1, 1000));
    f("keep", keep, "which passing samples | train",
      {{"first", Keep::kFirst}, {"all", Keep::kAll}, {"distinct", Keep::kDistinct}});
    f("verbose", verbose, "says more");
    f("note", note, "free text");
    f("stops", stops, "texts that end a sample");
    f("layers", layers, "of the student", at_least(0));
    f("weights", weights, "of the losses", at_least(0));
    f.check([this]() -> std::optional<std::string> {
      if (keep != Keep::kFirst && samples == 1) return "keep: 'all' and 'distinct' need samples above 1";
      return std::nullopt;
    });
  }
};

}  // namespace limbeck
