#include "data/rows.h"

#include <array>
#include <string_view>

#include "base/errors.h"
#include "base/records.h"

namespace limbeck::data {
namespace {

std::vector<text::ChatMessage> messages_of(const Json& list, const std::string& where) {
  if (!list.is_array() || list.empty())
    user_fail(where, "field 'messages': expected a list of messages but received {}", to_line(list).substr(0, 60));
  std::vector<text::ChatMessage> messages;
  bool answered = false;
  for (const Json& message : list) {
    if (!message.is_object())
      user_fail(where, "a message: expected an object but received {}", to_line(message).substr(0, 60));
    messages.push_back({field<std::string>(message, "role", where), field<std::string>(message, "content", where)});
    const std::string& role = messages.back().role;
    if (role != "system" && role != "user" && role != "assistant")
      user_fail(where, "field 'role': expected system, user or assistant but received '{}'", role);
    answered = answered || role == "assistant";
  }
  if (!answered) user_fail(where, "expected at least one message of the assistant, since only those are learned");
  return messages;
}

Row row_of(const Json& json, const std::string& where, int64_t line) {
  const int kinds =
      json.contains("text") + json.contains("messages") + (json.contains("prompt") || json.contains("completion"));
  if (kinds != 1) {
    std::string keys;
    for (const auto& [key, value] : json.items()) keys += (keys.empty() ? "" : ", ") + key;
    user_fail(where, "expected 'prompt' and 'completion', or 'text', or 'messages', but received the fields: {}",
              keys.empty() ? "none" : keys);
  }
  if (json.contains("messages"))
    return {.segments = {}, .messages = messages_of(json["messages"], where), .line = line};
  if (json.contains("text"))
    return {
        .segments = {{.text = field<std::string>(json, "text", where), .learned = true}}, .messages = {}, .line = line};
  return pair_row(field<std::string>(json, "prompt", where), field<std::string>(json, "completion", where), line);
}

}  // namespace

Row pair_row(std::string prompt, std::string completion, int64_t line) {
  Row row{.segments = {}, .messages = {}, .line = line};
  row.segments.push_back({.text = std::move(prompt), .learned = false});
  row.segments.push_back({.text = std::move(completion), .learned = true});
  return row;
}

std::vector<Row> read_rows(const std::filesystem::path& file) {
  constexpr std::size_t kMostMistakes = 10;
  std::vector<Row> rows;
  std::vector<std::string> mistakes;
  read_records(file, [&](const Json& json, int64_t line) {
    try {
      rows.push_back(row_of(json, fmt::format("{}:{}", file.string(), line), line));
    } catch (const UserError& e) {
      mistakes.push_back(e.what());
      if (mistakes.size() == kMostMistakes) throw UserErrors(mistakes);
    }
  });
  if (!mistakes.empty()) throw UserErrors(mistakes);
  if (rows.empty()) user_fail(file.string(), "expected at least one row but the file has none");
  return rows;
}

}  // namespace limbeck::data
