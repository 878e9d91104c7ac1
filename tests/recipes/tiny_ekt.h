// A whole EKT run in a second: problems "Box 7?", a teacher of three small blocks that was taught to answer 0, 1 or 2
// at random.
#pragma once

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/files.h"
#include "base/progress.h"
#include "base/run.h"
#include "base/temporary_folder.h"
#include "recipes/ekt.h"
#include "recipes/ekt_context.h"
#include "recipes/sft.h"
#include "sandbox/isolation_lacks.h"
#include "synthesis/prompts.h"
#include "synthesis/tiny_teacher.h"

namespace limbeck::recipes {

inline const std::vector<synthesis::WorkedExample> kBoxExamples = {{"Bag 1?", "answer = 1"}};

// Teaches `model` to continue few-shot prompts with one of three programs.
inline void teach_boxes(const models::Pretrained& model, const Run& run) {
  std::vector<data::Row> rows;
  for (int box = 0; box < 96; ++box) {
    const std::string question = "Box " + std::to_string(box % 32) + "?";
    rows.push_back(data::pair_row(synthesis::few_shot_prompt(kBoxExamples, question),
                                  "\nanswer = " + std::to_string(box / 32) + "\n\n"));
  }
  const auto examples = data::encode_rows(rows, *model.tokenizer, limits_of(model), {}, "boxes").examples;
  train::Hooks hooks;
  train::fit(trainable(*model.model), examples, sft_step(*model.model, Precision::kFp32),
             {.max_steps = 120, .batch_size = 16, .learning_rate = 1e-2, .warmup_steps = 5}, run, hooks);
}

// Made once for the whole test binary.
inline const std::filesystem::path& tiny_teacher_folder() {
  static const TemporaryFolder folder;
  static const std::filesystem::path path = [] {
    Progress::be_quiet(true);
    const models::Pretrained model = synthesis::tiny_model();
    teach_boxes(model, Run::open(folder / "run", "teach", "", {}, Seed(1)));
    models::save_pretrained(folder / "teacher", *model.model, *model.tokenizer);
    return folder / "teacher";
  }();
  return path;
}

class TinyEkt : public ::testing::Test {
 protected:
  void SetUp() override {
    Progress::be_quiet(true);
    at::set_num_threads(1);  // the models are so small that threads only wait for each other
    if (const std::string lacks = sandbox::isolation_lacks(); !lacks.empty()) GTEST_SKIP() << lacks;
    write_problems("train.jsonl", 0, 14);
    write_problems("test.jsonl", 14, 6);
    std::string lines;
    for (const auto& example : kBoxExamples)
      lines += to_line({{"question", example.question}, {"program", example.program}}) + "\n";
    write_file_atomically(folder_ / "examples.jsonl", lines);
    options_.teacher = tiny_teacher_folder().string();
    options_.problems = (folder_ / "train.jsonl").string();
    options_.test_problems = (folder_ / "test.jsonl").string();
    options_.examples = (folder_ / "examples.jsonl").string();
    options_.student_layers = 2;
    options_.k = 4;
    options_.dev_fraction = 0.2;
    options_.dev_every_epochs = 1;
    options_.max_length = 60;
    options_.loss_on_prompt = options_.loss_on_pad = false;
    options_.precision = Precision::kFp32;
    options_.check = {};
    options_.sampling = {.max_new_tokens = 16, .temperature = 1, .stop = {"\n\n"}};
    options_.train = {.epochs = 4, .batch_size = 4, .learning_rate = 1e-2, .warmup_steps = 2};
    options_.eval = {.num_samples = 3, .ks = {1, 3}, .temperature = 1, .resamples = 100};
  }

  void write_problems(const std::string& name, int first, int count) {
    std::string lines;
    for (int box = first; box < first + count; ++box)
      lines += to_line({{"id", "p" + std::to_string(box)},
                        {"question", "Box " + std::to_string(box) + "?"},
                        {"answer", box % 3}}) +
               "\n";
    write_file_atomically(folder_ / name, lines);
  }

  limbeck::Run open_run(const std::string& name) {
    return Run::open(folder_ / name, "ekt", to_toml(fields_of(options_)), options_.inputs(), Seed(1));
  }

  TemporaryFolder folder_;
  EktOptions options_;
};

}  // namespace limbeck::recipes
