#include "data/task_rows.h"

#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>  // std::iota
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/errors.h"
#include "base/printable.h"
#include "base/seeds.h"
#include "data/task_records.h"
#include "data/task_row.h"

namespace limbeck::data {
namespace {

constexpr std::size_t kMostBadRows = 10;

class BadRows {
 public:
  void add(std::string message) {
    list_.push_back(std::move(message));
    if (list_.size() == kMostBadRows) throw_if_any();
  }
  void throw_if_any() {
    if (!list_.empty()) throw UserErrors(std::exchange(list_, {}));
  }

 private:
  std::vector<std::string> list_;
};

// True when the row stays. A faulty one is refused with what to do about it, or counted.
bool stays(const RawRow& raw, const TaskDescription& task, TaskSplit& counts, BadRows& bad) {
  const auto judge = [&](bool faulty, Faulty what, const char* option, int64_t& count, const std::string& message) {
    if (!faulty) return true;
    if (what == Faulty::kSkip)
      ++count;
    else
      bad.add(fmt::format(
          "[{}] {}; {} = \"skip\" in the task file, or the option bad_rows, leaves such rows out and counts them",
          raw.row.where, message, option));
    return false;
  };
  return judge(raw.empty_text, task.empty_text, "empty_text", counts.empty_text,
               fmt::format("expected a text in {} but it is empty",
                           fmt::join(task.pair.empty() ? task.text : std::vector{task.text[0], task.pair[0]}, ", "))) &&
         judge(raw.missing_label, task.missing_label, "missing_label", counts.missing_label,
               fmt::format("field '{}': expected a label but it is empty", task.label)) &&
         judge(raw.score_out_of_range, task.score_out_of_range, "score_out_of_range", counts.score_out_of_range,
               fmt::format("field '{}': expected a score between {} and {} but received {}", task.label, task.low,
                           task.high, raw.row.score));
}

struct RawSplit {
  std::vector<RawRow> rows;
  TaskSplit counts;  // without rows
};

RawSplit read_raw(const std::string& name, const std::vector<std::string>& files, const TaskDescription& task,
                  BadRows& bad) {
  RawSplit split;
  split.counts.name = name;
  for (const std::string& file : files) {
    read_task_records(file, task, [&](const Json& json, const std::string& where) {
      try {
        RawRow raw = read_row(json, where, task);
        if (stays(raw, task, split.counts, bad)) split.rows.push_back(std::move(raw));
      } catch (const UserErrors&) {
        throw;
      } catch (const UserError& e) {
        bad.add(e.what());
      }
    });
  }
  return split;
}

bool is_whole_number(const std::string& text) {
  int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && stop == text.data() + text.size();
}

// Whole numbers by size, anything else by bytes.
std::vector<std::string> labels_in(const std::vector<RawRow>& rows) {
  std::set<std::string> found;
  for (const RawRow& raw : rows) found.insert(raw.labels.begin(), raw.labels.end());
  std::vector<std::string> labels(found.begin(), found.end());
  if (std::all_of(labels.begin(), labels.end(), is_whole_number))
    std::sort(labels.begin(), labels.end(),
              [](const std::string& a, const std::string& b) { return std::stoll(a) < std::stoll(b); });
  return labels;
}

bool is_made_up(const std::vector<std::string>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] != fmt::format("LABEL_{}", i)) return false;
  return true;
}

std::string only_here(const std::vector<std::string>& here, const std::vector<std::string>& there) {
  constexpr std::size_t kShown = 8;
  std::vector<std::string> list;
  for (const std::string& label : here)
    if (std::find(there.begin(), there.end(), label) == there.end()) list.push_back(printable(label, 40));
  const std::size_t all = list.size();
  if (all > kShown) list.resize(kShown);
  return all == 0 ? "none" : fmt::format("{}{}", fmt::join(list, ", "), all > kShown ? ", ..." : "");
}

// Names of the labels by output, and how files spell them.
struct LabelNames {
  std::vector<std::string> names, values;
};

LabelNames label_names(const TaskDescription& task, const std::vector<RawRow>& rows,
                       const std::vector<std::string>& model_labels) {
  LabelNames labels{task.labels, task.values};
  if (labels.names.empty()) {
    const bool from_model = !model_labels.empty() && !is_made_up(model_labels);
    labels.names = from_model ? model_labels : labels_in(rows);
  }
  if (labels.values.empty()) labels.values = labels.names;
  if (model_labels.empty()) return labels;
  const std::vector<int64_t> places = matched_labels(model_labels, labels.names, "the model");
  LabelNames ordered;
  for (const int64_t place : places)
    ordered.names.push_back(labels.names[place]), ordered.values.push_back(labels.values[place]);
  return ordered;
}

class LabelReader {
 public:
  LabelReader(const TaskDescription& task, const LabelNames& labels) : task_(task), values_(labels.values) {
    for (std::size_t i = 0; i < values_.size(); ++i) places_[values_[i]] = static_cast<int64_t>(i);
  }

  // False when the row is left out for a label that is none.
  bool read(RawRow& raw, TaskSplit& counts, BadRows& bad) const {
    std::vector<int64_t> places;
    for (const std::string& label : raw.labels) {
      const auto found = places_.find(label);
      if (found != places_.end()) {
        places.push_back(found->second);
        continue;
      }
      if (task_.unknown_label == Faulty::kSkip)
        ++counts.unknown_label;
      else
        bad.add(unknown(raw, label));
      return false;
    }
    if (task_.kind == TaskKind::kTags)
      raw.row.tags = std::move(places);
    else if (!places.empty())
      raw.row.label = places.front();
    return true;
  }

 private:
  std::string unknown(const RawRow& raw, const std::string& label) const {
    const std::string near = nearest_name(label, values_);
    return fmt::format(
        "[{}] field '{}': expected one of {} labels ({}) but received '{}'{}; unknown_label = \"skip\" in the task "
        "file, or the option bad_rows, leaves such rows out and counts them",
        raw.row.where, task_.label, values_.size(), printable(fmt::format("{}", fmt::join(values_, ", "))),
        printable(label), near.empty() ? "" : fmt::format(", did you mean '{}'?", printable(near)));
  }

  const TaskDescription& task_;
  const std::vector<std::string>& values_;
  std::unordered_map<std::string, int64_t> places_;
};

// Moves a share of `from`, whole groups at a time, to a split of its own; what stays and what goes keep their order.
std::vector<RawRow> take_share(std::vector<RawRow>& from, double share, Seed seed) {
  std::vector<std::string> units;  // a group, or a row
  std::unordered_map<std::string, std::size_t> number;
  std::vector<std::size_t> unit_of(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::string key = from[i].group.empty() ? fmt::format("\n{}", i) : from[i].group;
    const auto [at, fresh] = number.try_emplace(key, units.size());
    if (fresh) units.push_back(key);
    unit_of[i] = at->second;
  }
  std::vector<std::size_t> order(units.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random(seed).shuffle(order);
  const auto num_taken = static_cast<std::size_t>(share * static_cast<double>(units.size()) + 0.5);
  std::vector<bool> taken(units.size());
  for (std::size_t i = 0; i < num_taken; ++i) taken[order[i]] = true;
  std::vector<RawRow> stay, go;
  for (std::size_t i = 0; i < from.size(); ++i) (taken[unit_of[i]] ? go : stay).push_back(std::move(from[i]));
  from = std::move(stay);
  return go;
}

void number_groups(RawSplit& split) {
  std::unordered_map<std::string, int64_t> numbers;
  for (RawRow& raw : split.rows)
    if (!raw.group.empty())
      raw.row.group = numbers.try_emplace(raw.group, static_cast<int64_t>(numbers.size())).first->second;
}

TaskSplit finished(RawSplit split, const TaskDescription& task, const LabelNames& labels, BadRows& bad) {
  const LabelReader reader(task, labels);
  TaskSplit result = std::move(split.counts);
  const bool labelled = task.kind == TaskKind::kClasses || task.kind == TaskKind::kTags;
  number_groups(split);
  for (RawRow& raw : split.rows)
    if (!labelled || reader.read(raw, result, bad)) result.rows.push_back(std::move(raw.row));
  return result;
}

void note_left_out(const TaskSplit& split, std::vector<std::string>& notes) {
  const std::pair<const char*, int64_t> counts[] = {{"with an empty text", split.empty_text},
                                                    {"without a label", split.missing_label},
                                                    {"with a label that is none of the task's", split.unknown_label},
                                                    {"with a score out of range", split.score_out_of_range}};
  for (const auto& [why, count] : counts)
    if (count > 0)
      notes.push_back(fmt::format("{}: {} of {} rows left out, {}", split.name, count,
                                  count + static_cast<int64_t>(split.rows.size()), why));
}

void note_unseen_labels(Task& task) {
  if (task.train.rows.empty() || task.labels.empty()) return;
  std::vector<bool> seen(task.labels.size());
  for (const TaskRow& row : task.train.rows) {
    if (row.label >= 0) seen[row.label] = true;
    for (const int64_t tag : row.tags) seen[tag] = true;
  }
  for (const TaskSplit* split : {&task.dev, &task.test}) {
    std::map<int64_t, int64_t> unseen;
    for (const TaskRow& row : split->rows) {
      if (row.label >= 0 && !seen[row.label]) ++unseen[row.label];
      for (const int64_t tag : row.tags)
        if (!seen[tag]) ++unseen[tag];
    }
    for (const auto& [label, count] : unseen)
      task.notes.push_back(
          fmt::format("{}: the label '{}' ({} times) was never seen in training: no row of it can be "
                      "right but by chance",
                      split->name, printable(task.labels[label]), count));
  }
}

void note_shared_texts(Task& task) {
  std::unordered_set<std::string> texts;
  const auto key = [](const TaskRow& row) {
    return row.words.empty() ? row.first + "\n" + row.second : fmt::format("{}", fmt::join(row.words, " "));
  };
  for (const TaskRow& row : task.train.rows) texts.insert(key(row));
  for (const TaskSplit* split : {&task.dev, &task.test}) {
    const auto shared = std::count_if(split->rows.begin(), split->rows.end(),
                                      [&](const TaskRow& row) { return texts.contains(key(row)); });
    if (shared > 0)
      task.notes.push_back(
          fmt::format("{}: {} of {} rows have the text of a training row", split->name, shared, split->rows.size()));
  }
}

}  // namespace

Task read_task(const TaskDescription& description, const std::vector<std::string>& model_labels) {
  Task task{.description = description};
  BadRows bad;
  RawSplit train = read_raw("train", description.train, description, bad);
  RawSplit dev = read_raw("dev", description.dev, description, bad);
  RawSplit test = read_raw("test", description.test, description, bad);
  bad.throw_if_any();
  LabelNames labels;
  if (description.kind == TaskKind::kClasses || description.kind == TaskKind::kTags)
    labels = label_names(description, description.train.empty() ? test.rows : train.rows, model_labels);
  const Seed seed = Seed(static_cast<uint64_t>(description.split_seed)).derive("split");
  const double test_share = description.test.empty() ? description.test_fraction : 0;
  if (test_share > 0) test.rows = take_share(train.rows, test_share, seed.derive("test"));
  if (description.dev.empty() && description.dev_fraction > 0)
    dev.rows = take_share(train.rows, description.dev_fraction / (1 - test_share), seed.derive("dev"));
  task.labels = labels.names;
  task.train = finished(std::move(train), description, labels, bad);
  task.dev = finished(std::move(dev), description, labels, bad);
  task.test = finished(std::move(test), description, labels, bad);
  bad.throw_if_any();
  if (description.kind == TaskKind::kClasses && task.labels.size() < 2)
    user_fail(description.name, "expected at least two labels but received {}: {}", task.labels.size(),
              fmt::join(task.labels, ", "));
  for (const TaskSplit* split : {&task.train, &task.dev, &task.test}) {
    note_left_out(*split, task.notes);
    const auto& files = split == &task.train ? description.train
                        : split == &task.dev ? description.dev
                                             : description.test;
    if (!files.empty() && split->rows.empty())
      user_fail(files.front(), "expected at least one row that can be used but there is none");
  }
  note_unseen_labels(task);
  note_shared_texts(task);
  return task;
}

std::vector<TaskRow> read_unlabelled(const std::string& file, const TaskDescription& description) {
  std::vector<TaskRow> rows;
  BadRows bad;
  read_task_records(file, description, [&](const Json& json, const std::string& where) {
    try {
      RawRow raw = read_row(json, where, description, RowLabels::kLeave);
      if (raw.empty_text)
        bad.add(fmt::format("[{}] expected a text in {} but it is empty", where, fmt::join(description.text, ", ")));
      else
        rows.push_back(std::move(raw.row));
    } catch (const UserErrors&) {
      throw;
    } catch (const UserError& e) {
      bad.add(e.what());
    }
  });
  bad.throw_if_any();
  if (rows.empty()) user_fail(file, "expected at least one row but the file has none");
  return rows;
}

std::vector<int64_t> matched_labels(const std::vector<std::string>& labels, const std::vector<std::string>& others,
                                    const std::string& whose) {
  std::vector<int64_t> places;
  if (labels.size() == others.size() && (is_made_up(labels) || is_made_up(others))) {
    places.resize(labels.size());
    std::iota(places.begin(), places.end(), int64_t{0});
    return places;
  }
  for (const std::string& label : labels) {
    const auto found = std::find(others.begin(), others.end(), label);
    if (found != others.end()) places.push_back(found - others.begin());
  }
  if (places.size() != labels.size() || labels.size() != others.size())
    user_fail("labels",
              "expected the same labels on both sides but {} has {} (only there: {}), the other {} (only "
              "there: {})",
              whose, labels.size(), only_here(labels, others), others.size(), only_here(others, labels));
  return places;
}

}  // namespace limbeck::data
