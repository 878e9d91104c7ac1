#include "data/task.h"

#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/errors.h"

namespace limbeck::data {
namespace {

const std::vector<std::pair<std::string, TaskKind>>& kinds() {
  static const std::vector<std::pair<std::string, TaskKind>> list = {{"classes", TaskKind::kClasses},
                                                                     {"score", TaskKind::kScore},
                                                                     {"tags", TaskKind::kTags},
                                                                     {"span", TaskKind::kSpan},
                                                                     {"choice", TaskKind::kChoice}};
  return list;
}

std::vector<std::pair<std::string, Faulty>> faulty_choices() {
  return {{"refuse", Faulty::kRefuse}, {"skip", Faulty::kSkip}};
}

bool has(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string hint_of(const std::string& name, const std::vector<std::string>& known) {
  const std::string near = nearest_name(name, known);
  return near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
}

class TaskMistakes {
 public:
  explicit TaskMistakes(std::string where) : where_(std::move(where)) {}
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    list_.push_back(fmt::format("[{}] {}", where_, fmt::format(format, std::forward<Args>(args)...)));
  }
  void throw_if_any() {
    if (!list_.empty()) throw UserErrors(std::move(list_));
  }

 private:
  std::string where_;
  std::vector<std::string> list_;
};

void check_fields(const TaskDescription& task, TaskMistakes& mistakes) {
  if (task.text.empty()) mistakes.add("text: expected the field of the text but none is named");
  if (task.label.empty()) mistakes.add("label: expected the field of the label but none is named");
  if (task.kind == TaskKind::kSpan && task.pair.empty())
    mistakes.add("pair: expected the field of the text that holds the answers but none is named");
  if (task.kind == TaskKind::kChoice && task.choices.empty())
    mistakes.add("choices: expected the fields of the choices but none is named");
  if (task.kind != TaskKind::kChoice && !task.choices.empty())
    mistakes.add("choices: expected none but for kind choice but received {}", fmt::join(task.choices, ", "));
  if (task.kind == TaskKind::kChoice && !task.pair.empty())
    mistakes.add("pair: expected none, since the choices are the second texts, but received {}",
                 fmt::join(task.pair, ", "));
  if (task.kind == TaskKind::kTags && !task.pair.empty())
    mistakes.add("pair: expected none with kind tags but received {}", fmt::join(task.pair, ", "));
  if (task.kind == TaskKind::kScore && !(task.low < task.high))
    mistakes.add("low, high: expected a range but received {} to {}", task.low, task.high);
}

void check_labels(const TaskDescription& task, TaskMistakes& mistakes) {
  const bool labelled = task.kind == TaskKind::kClasses || task.kind == TaskKind::kTags;
  if (!labelled && !(task.labels.empty() && task.labels_file.empty()))
    mistakes.add("labels: expected none with this kind but received {}", fmt::join(task.labels, ", "));
  for (const auto* list : {&task.labels, &task.values})
    for (std::size_t i = 0; i < list->size(); ++i)
      if (std::count(list->begin(), list->begin() + static_cast<int64_t>(i), (*list)[i]) == 1)
        mistakes.add("{}: expected each once but received '{}' twice", list == &task.labels ? "labels" : "values",
                     (*list)[i]);
  if (!task.values.empty() && task.values.size() != task.labels.size())
    mistakes.add("values: expected one for each of {} labels but received {}", task.labels.size(), task.values.size());
  if (task.labels.empty()) return;
  if (!task.positive.empty() && !has(task.labels, task.positive))
    mistakes.add("positive: expected one of {} but received '{}'{}", fmt::join(task.labels, ", "), task.positive,
                 hint_of(task.positive, task.labels));
  for (const std::string& name : task.not_counted)
    if (!has(task.labels, name))
      mistakes.add("not_counted: expected one of the labels but received '{}'{}", name, hint_of(name, task.labels));
}

void check_metrics(const TaskDescription& task, TaskMistakes& mistakes) {
  const auto& known = metrics_of(task.kind);
  for (const std::string& name : task.metrics) {
    if (!has(known, name))
      mistakes.add("metrics: expected some of {} but received '{}'{}", fmt::join(known, ", "), name,
                   hint_of(name, known));
    else if ((name == "map" || name == "mrr") && task.group.empty())
      mistakes.add("metrics: {} ranks the rows of a group, but no field is named as group", name);
    else if (name == "relation_f1" && task.relation_until.empty())
      mistakes.add(
          "metrics: relation_f1 is of labels with a direction, but relation_until does not say where it begins");
  }
}

void check_files(const TaskDescription& task, TaskMistakes& mistakes) {
  if (task.train.empty() && task.dev.empty() && task.test.empty())
    mistakes.add("train: expected at least one file of rows but none is named");
  for (const auto* list : {&task.train, &task.dev, &task.test})
    for (const std::string& name : *list) {
      const std::string file = name.substr(0, name.find('#'));
      std::error_code ignored;
      if (!std::filesystem::is_regular_file(file, ignored))
        mistakes.add("expected a file but received '{}', which is not there", file);
    }
  if (task.dev_fraction + task.test_fraction >= 1)
    mistakes.add("dev_fraction, test_fraction: expected less than 1 together but received {} and {}", task.dev_fraction,
                 task.test_fraction);
}

void see_from(const std::filesystem::path& folder, std::vector<std::string>& files) {
  for (std::string& file : files) file = (folder / file).lexically_normal().string();
}

std::vector<std::string> read_labels(const std::string& file) {
  std::vector<std::string> names;
  read_records(file, [&](const Json& row, int64_t) { names.push_back(row.at("text").get<std::string>()); },
               {.kind = RecordKind::kText});
  for (std::string& name : names) name.erase(name.find_last_not_of(" \t") + 1);
  return names;
}

}  // namespace

void TaskDescription::describe(Fields& f) {
  f("name", name, "shown in tables; empty: that of the file");
  f("kind", kind, "what the label is: one of several classes, a score, a tag for each word, a span, or a choice",
    kinds());
  f("folder", folder, "where the files are, seen from the folder of this file");
  f("train", train, "files of training rows; FILE.json#KEY for a list inside a JSON object");
  f("dev", dev, "files of rows by which the best checkpoint is chosen");
  f("test", test, "files of rows that are measured");
  f("format", format,
    "of the files: by their names (.csv, .tsv, .json, anything else JSON Lines), or as said; label-first is a label, "
    "a space and the text on each line; columns is a word and its tag on each line, with blank lines between texts",
    {{"by-name", TaskFormat::kByName},
     {"csv", TaskFormat::kCsv},
     {"tsv", TaskFormat::kTsv},
     {"jsonl", TaskFormat::kJsonLines},
     {"json", TaskFormat::kJson},
     {"label-first", TaskFormat::kLabelFirst},
     {"columns", TaskFormat::kColumns}});
  f("encoding", encoding, "of the files", {{"utf-8", TextEncoding::kUtf8}, {"latin-1", TextEncoding::kLatin1}});
  f("fields", fields, "names of the columns where the files have no header line, or of the items where rows are lists");
  f("quotes", quotes, "quotation marks around CSV and TSV fields mean what RFC 4180 says; false: they are text");
  f("text", text, "field of the text, or of the first of two; several are joined by a space; a.b is b inside a");
  f("pair", pair, "field of the second text");
  f("label", label, "field of the label");
  f("label_until", label_until, "labels end before this text: \":\" reads NUM out of NUM:date");
  f("labels", labels, "names of the labels in the order of the model's outputs; empty: those of the training rows");
  f("labels_file", labels_file, "a file with the same, a name a line");
  f("values", values, "how the files spell the labels; empty: as their names");
  f("low", low, "lowest score");
  f("high", high, "highest score");
  f("choices", choices, "fields of the choices, or one that is a list of texts, or of objects with label and text");
  f("start", start, "field of a span's first character in the second text; empty: where its text stands first");
  f("group", group, "rows with the same value here are ranked against each other, drawn and split together");
  f("metrics", metrics, "what is measured; the best checkpoint is the one with the highest first metric on dev rows");
  f("positive", positive, "the label that f1, map and mrr are of; empty: the second");
  f("not_counted", not_counted, "labels that macro_f1, micro_f1 and relation_f1 leave out");
  f("relation_until", relation_until,
    "labels that agree up to this text are directions of one relation, over which relation_f1 is a mean: \"(\" of "
    "Cause-Effect(e1,e2)");
  f("dev_fraction", dev_fraction, "share of the training rows that become dev rows where none are named",
    Range{.low = 0, .high = 1, .high_open = true});
  f("test_fraction", test_fraction, "share of the training rows that become test rows where none are named",
    Range{.low = 0, .high = 1, .high_open = true});
  f("split_seed", split_seed, "of these shares", at_least(0));
  f("empty_text", empty_text, "rows with an empty text: refuse them, or leave them out and count them",
    faulty_choices());
  f("missing_label", missing_label, "rows without a label", faulty_choices());
  f("unknown_label", unknown_label, "rows with a label that is none of the labels", faulty_choices());
  f("score_out_of_range", score_out_of_range, "rows whose score is not between low and high", faulty_choices());
}

void TaskOptions::describe(Fields& f) {
  f("task", task, "task file (configs/tasks has examples); empty: the options below say what the files hold",
    Names::kFile);
  f("data", data, "files of training rows: CSV, TSV, JSON, JSON Lines");
  f("dev", dev, "files of rows by which the best checkpoint is chosen");
  f("test", test, "files of rows that are measured");
  f("text", text, "field of the text, or of the first of two");
  f("pair", pair, "field of the second text");
  f("label", label, "field of the label");
  f("labels", labels, "names of the labels in the order of the model's outputs; empty: those of the training rows");
  f("kind", kind, "what the label is: classes, score, tags, span or choice; empty: as the task file says, or classes");
  f("score_range", score_range, "lowest and highest score of kind score; empty: as the task file says, or 0 and 1");
  f("bad_rows", bad_rows,
    "rows with an empty text, without a label, with an unknown label or with a score out of range: as the task file "
    "says of each (it refuses them unless told otherwise), refuse them all, or leave them out and count them",
    {{"as-task", FaultyRows::kAsTask}, {"refuse", FaultyRows::kRefuse}, {"skip", FaultyRows::kSkip}});
}

TaskDescription read_task_file(const std::string& file) {
  TaskDescription task;
  Fields fields = fields_of(task);
  read_options(fields, file, {});
  const auto folder = std::filesystem::path(file).parent_path() / task.folder;
  for (auto* list : {&task.train, &task.dev, &task.test}) see_from(folder, *list);
  if (!task.labels_file.empty()) task.labels_file = (folder / task.labels_file).lexically_normal().string();
  if (task.name.empty()) task.name = std::filesystem::path(file).stem().string();
  return task;
}

TaskDescription describe_task(const TaskOptions& options) {
  TaskDescription task;
  if (!options.task.empty()) task = read_task_file(options.task);
  TaskMistakes mistakes(options.task.empty() ? "task" : options.task);
  const auto replace = [](std::vector<std::string>& list, const std::vector<std::string>& by) {
    if (!by.empty()) list = by;
  };
  replace(task.train, options.data), replace(task.dev, options.dev), replace(task.test, options.test);
  replace(task.text, options.text), replace(task.pair, options.pair);
  if (!options.labels.empty()) task.labels = options.labels, task.labels_file.clear();
  if (!options.label.empty()) task.label = options.label;
  if (!options.kind.empty()) {
    const auto found =
        std::find_if(kinds().begin(), kinds().end(), [&](const auto& k) { return k.first == options.kind; });
    if (found == kinds().end())
      mistakes.add("kind: expected classes, score, tags, span or choice but received '{}'", options.kind);
    else
      task.kind = found->second;
  }
  if (options.score_range.size() == 2)
    task.low = options.score_range[0], task.high = options.score_range[1];
  else if (!options.score_range.empty())
    mistakes.add("score_range: expected the lowest and the highest score but received {} numbers",
                 options.score_range.size());
  if (options.bad_rows != FaultyRows::kAsTask)
    task.empty_text = task.missing_label = task.unknown_label = task.score_out_of_range =
        options.bad_rows == FaultyRows::kSkip ? Faulty::kSkip : Faulty::kRefuse;
  for (const auto* files : {&task.train, &task.dev, &task.test})
    if (task.name.empty() && !files->empty()) task.name = std::filesystem::path(files->front()).stem().string();
  check_files(task, mistakes);
  if (!task.labels_file.empty()) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(task.labels_file, ignored))
      mistakes.add("labels_file: expected a file but received '{}', which is not there", task.labels_file);
    else if (!task.labels.empty())
      mistakes.add("labels: expected names here or in labels_file but received both");
    else
      task.labels = read_labels(task.labels_file);
  }
  check_fields(task, mistakes);
  check_labels(task, mistakes);
  check_metrics(task, mistakes);
  mistakes.throw_if_any();
  return task;
}

std::vector<std::filesystem::path> inputs_of(const TaskOptions& options) {
  const TaskDescription task = describe_task(options);
  std::vector<std::filesystem::path> files;
  if (!options.task.empty()) files.emplace_back(options.task);
  if (!task.labels_file.empty()) files.emplace_back(task.labels_file);
  for (const auto* list : {&task.train, &task.dev, &task.test})
    for (const std::string& name : *list) {
      const std::filesystem::path file = name.substr(0, name.find('#'));
      if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
    }
  return files;
}

const std::vector<std::string>& metrics_of(TaskKind kind) {
  static const std::array<std::vector<std::string>, 5> lists = {
      {{"accuracy", "macro_f1", "f1", "micro_f1", "relation_f1", "matthews", "map", "mrr", "calibration_error"},
       {"pearson", "spearman", "mean_squared_error"},
       {"entity_f1", "token_accuracy"},
       {"span_f1", "exact_match"},
       {"accuracy", "calibration_error"}}};
  return lists[static_cast<std::size_t>(kind)];
}

std::vector<std::string> chosen_metrics(const TaskDescription& task) {
  if (!task.metrics.empty()) return task.metrics;
  if (task.kind == TaskKind::kClasses) return {"accuracy", "macro_f1", "calibration_error"};
  if (task.kind == TaskKind::kScore) return {"pearson", "spearman"};
  return metrics_of(task.kind);
}

}  // namespace limbeck::data
