#include "text/chat_template.h"

#include "base/errors.h"
#include "text/jinja_render.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

std::string text_for_template(const TokenizerSpec& spec, int32_t id) {
  for (const AddedToken& token : spec.added)
    if (token.id == id) return token.content;
  return std::size_t(id) < spec.tokens.size() ? spec.tokens[std::size_t(id)] : "";
}

Json valid(const std::string& text) {
  std::string storage;
  return std::string(replace_invalid_utf8(text, storage));
}

// Every text in a value, keys too, as far as it is UTF-8.
Json with_valid_texts(const Json& value) {
  if (value.is_string()) return valid(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  Json out = value.is_object() ? Json::object() : Json::array();
  for (const auto& [key, item] : value.items()) {
    if (value.is_object()) {
      out[valid(key).get<std::string>()] = with_valid_texts(item);
    } else {
      out.push_back(with_valid_texts(item));
    }
  }
  return out;
}

}  // namespace

std::string render_chat(const TokenizerSpec& spec, std::span<const ChatMessage> messages, const ChatOptions& options) {
  Json list = Json::array();
  for (const ChatMessage& message : messages) list.push_back({{"role", message.role}, {"content", message.content}});
  return render_messages(spec, list, options);
}

std::string render_messages(const TokenizerSpec& spec, const Json& messages, const ChatOptions& options) {
  if (spec.chat_template.empty()) user_fail("chat template", "expected a model with a chat template but it has none");
  if (!messages.is_array())
    user_fail("chat template", "expected a list of messages but received {}", messages.type_name());
  Json variables = {{"messages", with_valid_texts(messages)},
                    {"tools", with_valid_texts(options.tools)},
                    {"documents", with_valid_texts(options.documents)},
                    {"add_generation_prompt", options.add_generation_prompt}};
  const auto name = [&](const char* key, const std::optional<int32_t>& id) {
    if (id) variables[key] = valid(text_for_template(spec, *id));
  };
  name("bos_token", spec.bos);
  name("eos_token", spec.eos);
  name("unk_token", spec.unk);
  name("pad_token", spec.pad);
  for (const auto& [key, value] : options.more.items()) variables[key] = with_valid_texts(value);
  return jinja::render(spec.chat_template, variables, options.now);
}

std::vector<ChatPiece> cut_chat(const TokenizerSpec& spec, std::span<const ChatMessage> messages,
                                std::optional<std::time_t> now) {
  const std::time_t one_time = now.value_or(std::time(nullptr));
  const std::string whole = render_chat(spec, messages, {.now = one_time});
  std::vector<ChatPiece> pieces;
  std::size_t done = 0;
  const auto cut_at = [&](const std::string& text, std::size_t turn, bool by_assistant) {
    if (text.size() < done || whole.compare(0, text.size(), text) != 0)
      user_fail("chat template", "turn {}: expected a template that writes turns one after another", turn + 1);
    if (text.size() > done) pieces.push_back({text.substr(done), by_assistant});
    done = text.size();
  };
  for (std::size_t turn = 0; turn < messages.size(); ++turn) {
    if (messages[turn].role != "assistant") continue;
    cut_at(render_chat(spec, messages.first(turn), {.add_generation_prompt = true, .now = one_time}), turn, false);
    cut_at(render_chat(spec, messages.first(turn + 1), {.now = one_time}), turn, true);
  }
  cut_at(whole, messages.size(), false);
  return pieces;
}

}  // namespace limbeck::text
