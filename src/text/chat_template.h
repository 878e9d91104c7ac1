// Chats as a model's own template writes them. The template is the Jinja text that the model ships, rendered as
// Transformers does; what it uses beyond text/jinja_render.h is refused by name and line.
#pragma once

#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace limbeck::text {

struct ChatMessage {
  std::string role, content;  // "system", "user", "assistant", or what the template knows
};

struct ChatOptions {
  bool add_generation_prompt = false;  // end with what begins the assistant's answer
  std::optional<std::time_t> now;      // for templates that write the date; none: the time of the call
  Json tools, documents;               // lists of what the template knows, null for none
  Json more = Json::object();          // further variables: {"enable_thinking": false}
};

// The text, to be encoded with Tokenizer::encode_rendered. Throws UserError when the model has no template, when the
// template refuses the messages, and when it uses something not supported.
std::string render_chat(const TokenizerSpec& spec, std::span<const ChatMessage> messages,
                        const ChatOptions& options = {});

// The same for messages with more than a role and a text (tool calls, parts), as Transformers takes them.
std::string render_messages(const TokenizerSpec& spec, const Json& messages, const ChatOptions& options = {});

// The same text in pieces, so that training can learn what the assistant says and nothing else: the assistant's pieces
// begin after what generation would be given. Throws UserError when the template does not write turns one after
// another.
struct ChatPiece {
  std::string text;
  bool by_assistant = false;
};
std::vector<ChatPiece> cut_chat(const TokenizerSpec& spec, std::span<const ChatMessage> messages,
                                std::optional<std::time_t> now = {});

}  // namespace limbeck::text
