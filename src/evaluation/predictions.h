// Predictions of a task's rows as a file of JSON Lines, so that two runs can be set beside each other later; a row
// that has an id keeps it beside its place:
//   {"row":"test.csv:2","gold":"positive","label":"negative","probabilities":{"negative":0.8,"positive":0.2}}
//   {"row":"sts.tsv:7","gold":3.2,"score":2.9}    {"row":…,"gold":[tags],"tags":[…]} {"row":…,"gold":[…],"answer":"…"}
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/task_rows.h"
#include "evaluation/task_figures.h"

namespace limbeck::evaluation {

// One row's; without "gold" where its label is not known.
Json prediction_json(const data::TaskDescription& task, const std::vector<std::string>& labels,
                     const data::TaskRow& row, const RowPrediction& prediction);

void write_predictions(const std::filesystem::path& path, const data::Task& task, const data::TaskSplit& split,
                       const Predictions& predictions);

// Throws UserError when the file holds other rows than the split, or labels that are none of the task's.
Predictions read_predictions(const std::filesystem::path& path, const data::Task& task, const data::TaskSplit& split);

}  // namespace limbeck::evaluation
