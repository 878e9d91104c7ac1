#include "evaluation/predictions.h"

#include <algorithm>
#include <cmath>  // std::isnan

#include "base/errors.h"
#include "base/files.h"
#include "base/printable.h"
#include "data/task_records.h"

namespace limbeck::evaluation {
namespace {

using data::TaskKind;

double rounded(double value) {  // six digits
  return std::stod(fmt::format("{:.6g}", value));
}

// "test.csv:2" of "/some/where/test.csv:2": the same on every machine.
std::string row_name(const std::string& where) {
  return where.substr(where.find_last_of('/') + 1);
}

std::vector<std::string> names_of(const std::vector<int64_t>& places, const std::vector<std::string>& labels) {
  std::vector<std::string> names;
  for (const int64_t place : places) names.push_back(place < 0 ? "" : labels[place]);
  return names;
}

Json gold_of(const data::TaskDescription& task, const std::vector<std::string>& labels, const data::TaskRow& row) {
  switch (task.kind) {
    case TaskKind::kClasses:
      return row.label < 0 ? Json() : Json(labels[row.label]);
    case TaskKind::kChoice:
      return row.label < 0 ? Json() : Json(row.label);
    case TaskKind::kScore:
      return std::isnan(row.score) ? Json() : Json(row.score);
    case TaskKind::kTags:
      return row.tags.empty() ? Json() : Json(names_of(row.tags, labels));
    case TaskKind::kSpan:
      break;
  }
  Json answers = Json::array();
  for (const auto& answer : row.answers) answers.push_back(answer.text);
  return answers;
}

int64_t place_of(const std::string& label, const std::vector<std::string>& labels, const std::string& where) {
  const auto found = std::find(labels.begin(), labels.end(), label);
  if (found == labels.end()) user_fail(where, "expected a label of the task but received '{}'", printable(label));
  return found - labels.begin();
}

RowPrediction prediction_of(const Json& json, const data::Task& task, const data::TaskRow& row,
                            const std::string& where) {
  RowPrediction prediction;
  switch (task.description.kind) {
    case TaskKind::kClasses: {
      prediction.label = place_of(field<std::string>(json, "label", where), task.labels, where);
      prediction.probabilities.assign(task.labels.size(), 0);
      const Json& probabilities = data::field_at(json, "probabilities", where);
      if (!probabilities.is_object())
        user_fail(where, "field 'probabilities': expected one by label but received {}",
                  printable_value(probabilities));
      for (const auto& [label, value] : probabilities.items())
        prediction.probabilities[place_of(label, task.labels, where)] = value.is_number() ? value.get<double>() : 0;
      break;
    }
    case TaskKind::kChoice:
      prediction.label = field<int64_t>(json, "label", where);
      for (const Json& p : data::field_at(json, "probabilities", where))
        prediction.probabilities.push_back(p.is_number() ? p.get<double>() : 0);
      if (prediction.probabilities.size() != row.choices.size() || prediction.label < 0 ||
          prediction.label >= static_cast<int64_t>(row.choices.size()))
        user_fail(where, "expected a probability for each of {} choices but received {}", row.choices.size(),
                  prediction.probabilities.size());
      break;
    case TaskKind::kScore:
      prediction.score = field<double>(json, "score", where);
      break;
    case TaskKind::kTags:
      for (const std::string& tag : data::list_at(json, "tags", where))
        prediction.tags.push_back(tag.empty() ? -1 : place_of(tag, task.labels, where));
      if (prediction.tags.size() != row.words.size())
        user_fail(where, "expected a tag for each of {} words but received {}", row.words.size(),
                  prediction.tags.size());
      break;
    case TaskKind::kSpan:
      prediction.answer = field<std::string>(json, "answer", where);
      break;
  }
  return prediction;
}

}  // namespace

Json prediction_json(const data::TaskDescription& task, const std::vector<std::string>& labels,
                     const data::TaskRow& row, const RowPrediction& prediction) {
  Json json = {{"row", row_name(row.where)}};
  if (!row.id.empty()) json["id"] = row.id;
  if (const Json gold = gold_of(task, labels, row); !gold.is_null()) json["gold"] = gold;
  switch (task.kind) {
    case TaskKind::kClasses: {
      json["label"] = labels[prediction.label];
      Json& probabilities = json["probabilities"] = Json::object();
      for (std::size_t i = 0; i < labels.size(); ++i) probabilities[labels[i]] = rounded(prediction.probabilities[i]);
      break;
    }
    case TaskKind::kChoice: {
      json["label"] = prediction.label;
      Json& probabilities = json["probabilities"] = Json::array();
      for (const double p : prediction.probabilities) probabilities.push_back(rounded(p));
      break;
    }
    case TaskKind::kScore:
      json["score"] = rounded(prediction.score);
      break;
    case TaskKind::kTags:
      json["tags"] = names_of(prediction.tags, labels);
      break;
    case TaskKind::kSpan:
      json["answer"] = prediction.answer;
      break;
  }
  return json;
}

void write_predictions(const std::filesystem::path& path, const data::Task& task, const data::TaskSplit& split,
                       const Predictions& predictions) {
  write_file_atomically(path, [&](const Sink& sink) {
    for (std::size_t i = 0; i < predictions.size(); ++i)
      sink(to_line(prediction_json(task.description, task.labels, split.rows[i], predictions[i])) + "\n");
  });
}

Predictions read_predictions(const std::filesystem::path& path, const data::Task& task, const data::TaskSplit& split) {
  Predictions predictions;
  read_jsonl(path, [&](const Json& json, int64_t line) {
    const std::string where = fmt::format("{}:{}", path.string(), line);
    if (predictions.size() == split.rows.size())
      user_fail(where, "expected the {} rows of {} but received more", split.rows.size(), split.name);
    const data::TaskRow& row = split.rows[predictions.size()];
    const auto name = field<std::string>(json, "row", where);
    if (name != row_name(row.where) ||
        (json.contains("gold") && json["gold"] != gold_of(task.description, task.labels, row)))
      user_fail(
          where,
          "expected a prediction for {} but received one for '{}' or with another label; are these the same data?",
          row_name(row.where), printable(name));
    predictions.push_back(prediction_of(json, task, row, where));
  });
  if (predictions.size() != split.rows.size())
    user_fail(path.string(), "expected the {} rows of {} but received {}", split.rows.size(), split.name,
              predictions.size());
  return predictions;
}

}  // namespace limbeck::evaluation
