#include "data/task_records.h"

#include <fmt/ranges.h>  // fmt::join

#include "base/errors.h"
#include "base/json_lines.h"
#include "base/option_value.h"  // is_valid_utf8
#include "base/printable.h"

namespace limbeck::data {
namespace {

using OnRow = std::function<void(const Json& row, const std::string& where)>;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0;;) {
    const std::size_t begin = line.find_first_not_of(" \t\r", at);
    if (begin == std::string_view::npos) return words;
    at = std::min(line.find_first_of(" \t\r", begin), line.size());
    words.push_back(line.substr(begin, at - begin));
  }
}

// Lines of `text` in turn, without their ends.
template <class F>
void for_each_line(std::string_view text, const F& on_line) {
  for (int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    on_line(line, number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void read_label_first(const std::string& path, std::string_view text, const OnRow& on_row) {
  for_each_line(text, [&](std::string_view line, int64_t number) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return;
    const std::string where = fmt::format("{}:{}", path, number);
    const std::size_t end = line.find_first_of(" \t", begin);
    if (end == std::string_view::npos)
      user_fail(where, "expected a label, a space and a text but received '{}'", printable(line));
    const std::size_t last = line.find_last_not_of(" \t");
    const std::size_t rest = std::min(line.find_first_not_of(" \t", end), last + 1);
    on_row({{"label", std::string(line.substr(begin, end - begin))},
            {"text", std::string(line.substr(rest, last + 1 - rest))}},
           where);
  });
}

// "word … tag" lines: the first and the last column; a text ends at a blank line or at -DOCSTART-.
void read_columns(const std::string& path, std::string_view text, const OnRow& on_row) {
  std::vector<std::string> words, tags;
  int64_t first = 0;
  const auto finish = [&] {
    if (words.empty()) return;
    on_row({{"words", words}, {"tags", tags}}, fmt::format("{}:{}", path, first));
    words.clear(), tags.clear();
  };
  for_each_line(text, [&](std::string_view line, int64_t number) {
    const auto columns = words_of(line);
    if (columns.empty() || columns.front() == "-DOCSTART-") return finish();
    if (columns.size() < 2)
      user_fail(fmt::format("{}:{}", path, number), "expected a word and its tag but received '{}'", printable(line));
    if (words.empty()) first = number;
    words.emplace_back(columns.front()), tags.emplace_back(columns.back());
  });
  finish();
}

const Json& list_in(const Json& value, const char* name, const std::string& where) {
  const Json& list = field_at(value, name, where);
  if (!list.is_array()) user_fail(where, "field '{}': expected a list but received {}", name, printable_value(list));
  return list;
}

bool has_paragraphs(const Json& list) {
  return list.is_array() && !list.empty() && list[0].is_object() && list[0].contains("paragraphs");
}

// SQuAD's own files (Rajpurkar et al. 2016 and 2018): articles have paragraphs, those questions, those answers. A row
// is a question: {id, title, question, context, answers: {text: [...], answer_start: [...]}}, as the datasets library
// has it; no answers: it has none in its paragraph.
void read_articles(const Json& articles, const std::string& place, const OnRow& on_row) {
  for (std::size_t a = 0; a < articles.size(); ++a) {
    const std::string article = fmt::format("{}[{}]", place, a);
    const Json& paragraphs = list_in(articles[a], "paragraphs", article);
    for (std::size_t p = 0; p < paragraphs.size(); ++p) {
      const std::string paragraph = fmt::format("{}.paragraphs[{}]", article, p);
      const Json& questions = list_in(paragraphs[p], "qas", paragraph);
      for (std::size_t q = 0; q < questions.size(); ++q) {
        const std::string where = fmt::format("{}.qas[{}]", paragraph, q);
        Json row = {{"question", field_at(questions[q], "question", where)},
                    {"context", field_at(paragraphs[p], "context", paragraph)},
                    {"answers", {{"text", Json::array()}, {"answer_start", Json::array()}}}};
        if (has_field(questions[q], "id")) row["id"] = field_at(questions[q], "id", where);
        if (has_field(articles[a], "title")) row["title"] = field_at(articles[a], "title", where);
        if (has_field(questions[q], "answers"))
          for (const Json& answer : list_in(questions[q], "answers", where))
            for (const char* name : {"text", "answer_start"})
              row["answers"][name].push_back(field_at(answer, name, where + ".answers"));
        on_row(row, where);
      }
    }
  }
}

void read_json_rows(const std::string& path, const std::string& key, std::string_view text, const TaskDescription& task,
                    const OnRow& on_row) {
  const Json whole = parse_json(text, path);
  const Json& list = key.empty() ? whole : field_at(whole, key, path);
  const std::string place = key.empty() ? path : path + "#" + key;
  if (has_paragraphs(list)) return read_articles(list, place, on_row);
  if (key.empty() && list.is_object() && list.contains("data") && has_paragraphs(list["data"]))
    return read_articles(list["data"], path + "#data", on_row);
  if (!list.is_array()) {
    std::string keys;
    if (list.is_object())
      for (const auto& [name, value] : list.items())
        if (value.is_array()) keys += (keys.empty() ? "" : ", ") + name;
    user_fail(place, "expected a list of rows but received {}{}", printable_value(list),
              keys.empty() ? "" : fmt::format("; write FILE#KEY for one of its lists: {}", printable(keys, 300)));
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = fmt::format("{}[{}]", place, i);
    if (list[i].is_object()) {
      on_row(list[i], where);
      continue;
    }
    if (!list[i].is_array() || list[i].size() != task.fields.size())
      user_fail(where, "expected an object, or a list of the {} items that `fields` names, but received {}",
                task.fields.size(), printable_value(list[i]));
    Json row = Json::object();
    for (std::size_t f = 0; f < task.fields.size(); ++f) row[task.fields[f]] = list[i][f];
    on_row(row, where);
  }
}

RecordKind record_kind(TaskFormat format) {
  if (format == TaskFormat::kCsv) return RecordKind::kCsv;
  if (format == TaskFormat::kTsv) return RecordKind::kTsv;
  if (format == TaskFormat::kJsonLines) return RecordKind::kJsonLines;
  return RecordKind::kByName;
}

const Json* find_field(const Json& row, std::string_view name) {
  if (!row.is_object()) return nullptr;
  if (const auto found = row.find(std::string(name)); found != row.end()) return &*found;
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const auto outer = row.find(std::string(name.substr(0, dot)));
  return outer == row.end() ? nullptr : find_field(*outer, name.substr(dot + 1));
}

std::string text_of(const Json& value, const std::string& name, const std::string& where) {
  if (value.is_null()) return "";
  if (value.is_array() || value.is_object())
    user_fail(where, "field '{}': expected a text but received {}", name, printable_value(value));
  if (!value.is_string()) return value.dump();
  std::string text = value.get<std::string>();
  if (!is_valid_utf8(text))
    user_fail(where,
              "field '{}': expected UTF-8 but received '{}'; encoding = \"latin-1\" in the task file reads Latin-1",
              name, printable(text));
  return text;
}

}  // namespace

void read_task_records(const std::string& file, const TaskDescription& task, const OnRow& on_row) {
  const std::size_t hash = file.find('#');
  const std::string path = file.substr(0, hash), key = hash == std::string::npos ? "" : file.substr(hash + 1);
  const TaskFormat format =
      task.format == TaskFormat::kByName && kind_of_name(path) == "json" ? TaskFormat::kJson : task.format;
  if (!key.empty() && format != TaskFormat::kJson)
    user_fail(file, "expected a JSON file before '#{}' but received another format", key);
  if (format == TaskFormat::kLabelFirst) return read_label_first(path, read_text_file(path, task.encoding), on_row);
  if (format == TaskFormat::kColumns) return read_columns(path, read_text_file(path, task.encoding), on_row);
  if (format == TaskFormat::kJson) return read_json_rows(path, key, read_text_file(path, task.encoding), task, on_row);
  read_records(path, [&](const Json& row, int64_t line) { on_row(row, fmt::format("{}:{}", path, line)); },
               {.kind = record_kind(format), .encoding = task.encoding, .fields = task.fields, .quotes = task.quotes});
}

const Json& field_at(const Json& row, const std::string& name, const std::string& where) {
  if (const Json* found = find_field(row, name)) return *found;
  std::vector<std::string> known;
  if (row.is_object())
    for (const auto& [key, value] : row.items()) known.push_back(key);
  const std::string near = nearest_name(name, known);
  user_fail(where, "expected the field '{}' but the row has: {}{}", name,
            known.empty() ? "none" : printable(fmt::format("{}", fmt::join(known, ", ")), 300),
            near.empty() ? "" : fmt::format("; did you mean '{}'?", printable(near)));
}

bool has_field(const Json& row, const std::string& name) {
  return find_field(row, name) != nullptr;
}

std::string text_at(const Json& row, const std::string& name, const std::string& where) {
  return text_of(field_at(row, name, where), name, where);
}

std::vector<std::string> list_at(const Json& row, const std::string& name, const std::string& where) {
  const Json& value = field_at(row, name, where);
  std::vector<std::string> list;
  if (value.is_array()) {
    for (const Json& item : value) list.push_back(text_of(item, name, where));
  } else {
    const std::string text = text_of(value, name, where);
    for (const std::string_view word : words_of(text)) list.emplace_back(word);
  }
  return list;
}

}  // namespace limbeck::data
