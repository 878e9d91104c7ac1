#include "data/task_row.h"

#include <charconv>
#include <cmath>  // std::isfinite
#include <limits>

#include "base/errors.h"
#include "base/printable.h"
#include "data/task_records.h"

namespace limbeck::data {
namespace {

constexpr const char* kSpace = " \t\r\n";

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::string joined_texts(const Json& json, const std::vector<std::string>& fields, const std::string& where) {
  std::string text;
  for (const std::string& field : fields) {
    const std::string part = text_at(json, field, where);
    text += (text.empty() || part.empty() ? "" : " ") + part;
  }
  return text;
}

std::string label_text(const Json& json, const TaskDescription& task, const std::string& where) {
  std::string label = trimmed(text_at(json, task.label, where));
  if (!task.label_until.empty()) label = label.substr(0, label.find(task.label_until));
  return label;
}

struct Choices {
  std::vector<std::string> texts;
  std::vector<std::string> labels;  // of those that are objects
  std::vector<std::string> fields;  // names of those that are fields of their own
};

Choices choices_of(const Json& json, const TaskDescription& task, const std::string& where) {
  Choices choices;
  if (task.choices.size() > 1) {
    for (const std::string& field : task.choices) choices.texts.push_back(text_at(json, field, where));
    choices.fields = task.choices;
    return choices;
  }
  const Json& list = field_at(json, task.choices.front(), where);
  if (!list.is_array())
    user_fail(where, "field '{}': expected a list of choices but received {}", task.choices.front(),
              printable_value(list));
  for (const Json& choice : list) {
    if (choice.is_object()) {
      choices.texts.push_back(text_at(choice, "text", where));
      choices.labels.push_back(text_at(choice, "label", where));
    } else {
      choices.texts.push_back(text_at({{"choice", choice}}, "choice", where));
    }
  }
  if (!choices.labels.empty() && choices.labels.size() != choices.texts.size())
    user_fail(where, "field '{}': expected objects or texts but received both", task.choices.front());
  return choices;
}

int64_t chosen(const std::string& label, const Choices& choices, const std::string& where) {
  for (std::size_t i = 0; i < choices.labels.size(); ++i)
    if (choices.labels[i] == label) return static_cast<int64_t>(i);
  for (std::size_t i = 0; i < choices.fields.size(); ++i)
    if (choices.fields[i] == label) return static_cast<int64_t>(i);
  int64_t place = -1;
  const auto [stop, error] = std::from_chars(label.data(), label.data() + label.size(), place);
  const bool number = error == std::errc{} && stop == label.data() + label.size();
  if (!choices.labels.empty() || !number || place < 0 || place >= static_cast<int64_t>(choices.texts.size()))
    user_fail(where, "expected the label of one of {} choices{} but received '{}'", choices.texts.size(),
              !choices.labels.empty()  ? ""
              : choices.fields.empty() ? ", counted from 0,"
                                       : ", counted from 0 or by field,",
              printable(label));
  return place;
}

void read_choice(RawRow& raw, const Json& json, const TaskDescription& task, RowLabels wanted) {
  const std::string& where = raw.row.where;
  Choices choices = choices_of(json, task, where);
  if (choices.texts.size() < 2) user_fail(where, "expected at least two choices but received {}", choices.texts.size());
  for (const std::string& text : choices.texts) raw.empty_text |= trimmed(text).empty();
  if (wanted == RowLabels::kRead) {
    const std::string label = label_text(json, task, where);
    if (label.empty())
      raw.missing_label = true;
    else
      raw.row.label = chosen(label, choices, where);
  }
  raw.row.choices = std::move(choices.texts);
}

void read_tags(RawRow& raw, const Json& json, const TaskDescription& task, RowLabels wanted) {
  raw.row.words = list_at(json, task.text.front(), raw.row.where);
  for (const std::string& word : raw.row.words) raw.empty_text |= trimmed(word).empty();
  raw.empty_text |= raw.row.words.empty();
  if (wanted == RowLabels::kLeave) return;
  raw.labels = list_at(json, task.label, raw.row.where);
  raw.missing_label = raw.labels.empty() && !raw.row.words.empty();
  if (!raw.missing_label && raw.labels.size() != raw.row.words.size())
    user_fail(raw.row.where, "expected a tag for each of {} words but received {} tags", raw.row.words.size(),
              raw.labels.size());
}

void read_score(RawRow& raw, const Json& json, const TaskDescription& task) {
  const std::string text = label_text(json, task, raw.row.where);
  raw.missing_label = text.empty();
  raw.row.score = std::numeric_limits<double>::quiet_NaN();
  if (raw.missing_label) return;
  const char* begin = text.data() + (text.front() == '+' ? 1 : 0);
  double score = 0;
  const auto [stop, error] = std::from_chars(begin, text.data() + text.size(), score);
  if (error != std::errc{} || stop != text.data() + text.size() || !std::isfinite(score))
    user_fail(raw.row.where, "field '{}': expected a number but received '{}'", task.label, printable(text));
  raw.row.score = score;
  raw.score_out_of_range = score < task.low || score > task.high;
}

// Where character number `place` of a UTF-8 text begins.
std::size_t byte_of_character(const std::string& text, int64_t place) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) continue;
    if (place-- == 0) return at;
  }
  return place == 0 ? text.size() : std::string::npos;
}

void add_answer(TaskRow& row, const std::string& text, const Json* start) {
  if (text.empty()) return;
  std::size_t begin = row.second.find(text);
  if (start != nullptr) {
    int64_t place = -1;
    if (start->is_number_integer()) {
      place = start->get<int64_t>();
    } else if (start->is_string()) {
      const std::string& spelled = start->get_ref<const std::string&>();
      const auto [stop, error] = std::from_chars(spelled.data(), spelled.data() + spelled.size(), place);
      if (error != std::errc{} || stop != spelled.data() + spelled.size()) place = -1;
    }
    begin = place < 0 ? std::string::npos : byte_of_character(row.second, place);
    if (begin == std::string::npos || row.second.compare(begin, text.size(), text) != 0)
      user_fail(row.where, "expected the answer '{}' at character {} of the text but it does not stand there",
                printable(text), printable_value(*start));
  }
  if (begin == std::string::npos)
    user_fail(row.where, "expected the answer '{}' in the text but it does not stand there", printable(text));
  row.answers.push_back({.text = text, .begin = static_cast<int64_t>(begin)});
}

// A text, a list of texts, or {"text": [...], "answer_start": [...]} as SQuAD has it in the datasets library.
void read_answers(RawRow& raw, const Json& json, const TaskDescription& task) {
  const std::string& where = raw.row.where;
  const Json& label = field_at(json, task.label, where);
  if (label.is_object()) {
    const Json &texts = field_at(label, "text", where), &starts = field_at(label, "answer_start", where);
    if (!texts.is_array() || !starts.is_array() || texts.size() != starts.size())
      user_fail(where, "field '{}': expected as many texts as starts but received {} and {}", task.label,
                printable_value(texts), printable_value(starts));
    for (std::size_t i = 0; i < texts.size(); ++i)
      add_answer(raw.row, text_at({{"text", texts[i]}}, "text", where), &starts[i]);
  } else if (label.is_array()) {
    for (const Json& text : label) add_answer(raw.row, text_at({{"text", text}}, "text", where), nullptr);
  } else {
    add_answer(raw.row, text_at(json, task.label, where),
               task.start.empty() ? nullptr : &field_at(json, task.start, where));
  }
}

}  // namespace

RawRow read_row(const Json& json, const std::string& where, const TaskDescription& task, RowLabels wanted) {
  RawRow raw;
  raw.row.where = where;
  if (has_field(json, "id") && !field_at(json, "id", where).is_structured()) raw.row.id = text_at(json, "id", where);
  if (!task.group.empty() && wanted == RowLabels::kRead) raw.group = text_at(json, task.group, where);
  if (task.kind == TaskKind::kTags) {
    read_tags(raw, json, task, wanted);
    return raw;
  }
  raw.row.first = joined_texts(json, task.text, where);
  raw.row.second = joined_texts(json, task.pair, where);
  raw.empty_text = trimmed(raw.row.first).empty() || (!task.pair.empty() && trimmed(raw.row.second).empty());
  if (task.kind == TaskKind::kChoice) {
    read_choice(raw, json, task, wanted);
  } else if (wanted == RowLabels::kLeave) {
    if (task.kind == TaskKind::kScore) raw.row.score = std::numeric_limits<double>::quiet_NaN();
  } else if (task.kind == TaskKind::kScore) {
    read_score(raw, json, task);
  } else if (task.kind == TaskKind::kSpan) {
    read_answers(raw, json, task);
  } else {
    raw.labels = {label_text(json, task, where)};
    raw.missing_label = raw.labels.front().empty();
  }
  return raw;
}

}  // namespace limbeck::data
