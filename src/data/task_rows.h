// The rows of a task: texts and labels, checked, counted and split.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/task.h"

namespace limbeck::data {

// An answer in the second text, in bytes.
struct TaskAnswer {
  std::string text;
  int64_t begin = 0;
};

// A row. What other kinds of task have is empty.
struct TaskRow {
  std::string first, second;         // the texts
  std::vector<std::string> words;    // of kTags, whose first text is empty
  std::vector<std::string> choices;  // of kChoice: a second text each
  int64_t label = -1;                // kClasses: place in Task::labels; kChoice: which choice; -1: not known
  double score = 0;                  // kScore; NaN: not known
  std::vector<int64_t> tags;         // kTags: of each word; empty: not known
  std::vector<TaskAnswer> answers;   // kSpan: any of them is right; none: there is no answer
  int64_t group = -1;                // number of its group within the split; -1: there are no groups
  std::string where;                 // "path:line"
  std::string id;                    // its field "id"; empty: it has none
};

struct TaskSplit {
  std::string name;
  std::vector<TaskRow> rows;
  // Rows that were left out, by why.
  int64_t empty_text = 0, missing_label = 0, unknown_label = 0, score_out_of_range = 0;
  int64_t num_left_out() const { return empty_text + missing_label + unknown_label + score_out_of_range; }
};

struct Task {
  TaskDescription description;
  std::vector<std::string> labels;  // by output: of classes and tags
  TaskSplit train, dev, test;
  std::vector<std::string> notes;  // what of the data a user should know: rows left out, labels without training rows
};

// Reads and splits. `model_labels`: those of a trained model, whose order is taken where the task names the same ones
// in another, and which stand in where the task names none. Throws UserErrors with every bad row (up to ten), and
// when the labels of task and model disagree.
Task read_task(const TaskDescription& description, const std::vector<std::string>& model_labels = {});

// Rows of a file without looking for labels: what `limbeck predict` is given.
std::vector<TaskRow> read_unlabelled(const std::string& file, const TaskDescription& description);

// For each of `labels` its place in `others`: how the outputs of a teacher are put into the order of a student. Throws
// UserError naming the labels that only one of them has. Names that Transformers makes up (LABEL_0, LABEL_1, ...)
// agree with any of the same number.
std::vector<int64_t> matched_labels(const std::vector<std::string>& labels, const std::vector<std::string>& others,
                                    const std::string& whose);

}  // namespace limbeck::data
