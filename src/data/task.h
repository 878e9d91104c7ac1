// A task of an encoder: which files, which of their fields are the texts and the label, what the label is, and what is
// measured. It is written as a TOML file (configs/tasks), or given by a few options for files of one's own:
//   kind = "classes"
//   train = ["train.csv"]
//   test = ["test.csv"]
//   text = ["sentence"]
//   label = "label"
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/records.h"

namespace limbeck::data {

enum class TaskKind {
  kClasses,  // one of several labels
  kScore,    // a number in a range
  kTags,     // a label for each word
  kSpan,     // where in the second text the answer to the first one stands
  kChoice    // which of several second texts goes with the first one
};

enum class TaskFormat { kByName, kCsv, kTsv, kJsonLines, kJson, kLabelFirst, kColumns };

// What becomes of a row that cannot be used as it is. Rows left out are counted.
enum class Faulty { kRefuse, kSkip };
enum class FaultyRows { kAsTask, kRefuse, kSkip };  // of any fault; as the task says of each

struct TaskDescription {
  std::string name;
  TaskKind kind = TaskKind::kClasses;
  std::string folder;                         // that files are in, seen from the task file
  std::vector<std::string> train, dev, test;  // "FILE", or "FILE.json#KEY" for a list inside
  TaskFormat format = TaskFormat::kByName;
  TextEncoding encoding = TextEncoding::kUtf8;
  std::vector<std::string> fields;  // names of columns where no header line has them
  bool quotes = true;
  std::vector<std::string> text, pair;  // fields of the first and the second text; several are joined by a space
  std::string label;
  std::string label_until;           // a label ends before this
  std::vector<std::string> labels;   // names, in the order of the model's outputs; empty: those of the training rows
  std::string labels_file;           // the same, a name a line
  std::vector<std::string> values;   // how files spell them; empty: as their names
  double low = 0, high = 1;          // of a score
  std::vector<std::string> choices;  // fields of the choices, or one that is a list of texts or {label, text}
  std::string start;                 // of a span: where in the second text it begins, in characters
  std::string group;                 // field: rows with the same value are ranked, drawn and split together
  std::vector<std::string> metrics;  // the first one is what the best checkpoint is chosen by; empty: those of the kind
  std::string positive;              // the label that f1, map and mrr are of; empty: the second
  std::vector<std::string> not_counted;        // labels that macro_f1, micro_f1 and relation_f1 leave out
  std::string relation_until;                  // labels that agree up to this are one relation, with directions
  double dev_fraction = 0, test_fraction = 0;  // of the training rows, where there are no files of their own
  int64_t split_seed = 1;
  Faulty empty_text = Faulty::kRefuse, missing_label = Faulty::kRefuse, unknown_label = Faulty::kRefuse,
         score_out_of_range = Faulty::kRefuse;

  void describe(Fields& f);
};

// What the options of a recipe or verb say of a task: a task file, or the fields for files of one's own; what is given
// beside a file stands in the place of what it says.
struct TaskOptions {
  std::string task;
  std::vector<std::string> data, dev, test, text, pair, labels;
  std::string kind, label;
  std::vector<double> score_range;  // low and high; empty: as the task file says
  FaultyRows bad_rows = FaultyRows::kAsTask;
  void describe(Fields& f);
};

// What a task file says, as it stands: its data files need not be there. Throws UserErrors for unknown keys and values.
TaskDescription read_task_file(const std::string& file);

// Reads the file where one is named. Throws UserErrors with all that is wrong: unknown keys with the nearest names,
// files that are not there, fields that the kind needs, metrics that it does not have. Files in the result are as
// seen from the working folder.
TaskDescription describe_task(const TaskOptions& options);
// What a run's identity is made of: the task file and the data files.
std::vector<std::filesystem::path> inputs_of(const TaskOptions& options);

// Names of the metrics of a kind, the usual ones first.
const std::vector<std::string>& metrics_of(TaskKind kind);
// As the description has them, or the usual ones of its kind.
std::vector<std::string> chosen_metrics(const TaskDescription& description);

}  // namespace limbeck::data
