// One row of a task's file: its texts, and its label as the file spells it.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "data/task_rows.h"

namespace limbeck::data {

// Labels of classes and tags are not numbers yet: which there are may only be known when all rows were read.
struct RawRow {
  TaskRow row;
  std::vector<std::string> labels;  // of kClasses one, of kTags one a word
  std::string group;
  bool empty_text = false, missing_label = false, score_out_of_range = false;
};

enum class RowLabels { kRead, kLeave };

// Throws UserError "[where] ..." for a field that is not there or is something else, tags that are not as many as the
// words, a choice that there is not, an answer that does not stand in its text.
RawRow read_row(const Json& json, const std::string& where, const TaskDescription& task,
                RowLabels labels = RowLabels::kRead);

}  // namespace limbeck::data
