#include "serve/api_response.h"

#include <fmt/format.h>

#include <cmath>  // std::isnan
#include <limits>
#include <utility>

namespace limbeck::serve {
namespace {

Json finish_name(const std::optional<generate::Finish>& finish) {
  if (!finish) return nullptr;
  return *finish == generate::Finish::kLength ? "length" : "stop";
}

Json framed(const AnswerFrame& frame, const char* object, Json choices) {
  return {{"id", frame.id},
          {"object", object},
          {"created", frame.created},
          {"model", frame.model},
          {"choices", std::move(choices)}};
}

const char* object_of(Endpoint endpoint, const char* completion, const char* chat) {
  return endpoint == Endpoint::kCompletions ? completion : chat;
}

// How tokens are written.
struct TokenNames {
  const text::Tokenizer& tokenizer;
  bool as_ids = false;
  // The token's text; one that is no whole character has U+FFFD for it.
  std::string operator()(int32_t id) const {
    return as_ids ? fmt::format("token_id:{}", id) : tokenizer.decode({&id, 1});
  }
};

// {"tokens": […], "token_logprobs": […], "top_logprobs": [{…}, …], "text_offset": […]}
Json completion_log_probs(const std::vector<Token>& tokens, int64_t top, const TokenNames& name, int64_t offset) {
  Json result = {{"tokens", Json::array()},
                 {"token_logprobs", Json::array()},
                 {"top_logprobs", top > 0 ? Json(Json::array()) : Json()},
                 {"text_offset", Json::array()}};
  for (const Token& token : tokens) {
    result["tokens"].push_back(name(token.id));
    result["token_logprobs"].push_back(token.log_prob);  // NaN becomes null
    result["text_offset"].push_back(offset);
    offset += static_cast<int64_t>(name.tokenizer.decode({&token.id, 1}).size());
    if (top == 0) continue;
    Json likeliest = std::isnan(token.log_prob) ? Json() : Json::object();
    for (std::size_t i = 0; i < token.top.ids.size(); ++i) {
      const std::string other = name(token.top.ids[i]);
      if (!likeliest.contains(other)) likeliest[other] = token.top.log_probs[i];  // two halves of characters look alike
    }
    result["top_logprobs"].push_back(std::move(likeliest));
  }
  return result;
}

Json chat_token(const TokenNames& name, int32_t id, double log_prob) {
  Json bytes = Json::array();
  for (const char c : name.tokenizer.token_bytes(id)) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", name(id)}, {"logprob", log_prob}, {"bytes", std::move(bytes)}};
}

Json chat_log_probs(const std::vector<Token>& tokens, const TokenNames& name) {
  Json content = Json::array();
  for (const Token& token : tokens) {
    Json one = chat_token(name, token.id, token.log_prob);
    one["top_logprobs"] = Json::array();
    for (std::size_t i = 0; i < token.top.ids.size(); ++i)
      one["top_logprobs"].push_back(chat_token(name, token.top.ids[i], token.top.log_probs[i]));
    content.push_back(std::move(one));
  }
  return {{"content", std::move(content)}};
}

Json log_probs_of(const AnswerFrame& frame, const std::vector<Token>& tokens, int64_t top,
                  const text::Tokenizer& tokenizer, int64_t offset) {
  if (top < 0) return nullptr;
  const TokenNames name{tokenizer, frame.token_ids};
  return frame.endpoint == Endpoint::kCompletions ? completion_log_probs(tokens, top, name, offset)
                                                  : chat_log_probs(tokens, name);
}

}  // namespace

void Choice::add(const Piece& piece) {
  text += piece.text;
  tokens.insert(tokens.end(), piece.tokens.begin(), piece.tokens.end());
  if (!piece.prompt.empty()) prompt = piece.prompt;
  if (!piece.finish) return;
  finish = piece.finish;
  num_drawn = piece.num_drawn;
  // Tokens of a stop text are none of the answer's.
  if (static_cast<int64_t>(tokens.size()) > piece.num_kept) tokens.resize(static_cast<std::size_t>(piece.num_kept));
}

void Choice::echo(const std::vector<int32_t>& prompt_ids, const text::Tokenizer& tokenizer) {
  text = tokenizer.decode(prompt_ids) + text;
  std::vector<Token> all = {{.id = prompt_ids.front(), .log_prob = std::numeric_limits<double>::quiet_NaN()}};
  all.insert(all.end(), prompt.begin(), prompt.end());
  all.insert(all.end(), tokens.begin(), tokens.end());
  tokens = std::move(all);
}

Json usage(int64_t num_prompt_tokens, const std::vector<Choice>& choices) {
  int64_t num_drawn = 0;
  for (const Choice& choice : choices) num_drawn += choice.num_drawn;
  return {{"prompt_tokens", num_prompt_tokens},
          {"completion_tokens", num_drawn},
          {"total_tokens", num_prompt_tokens + num_drawn}};
}

Json whole_answer(const AnswerFrame& frame, const std::vector<Choice>& choices, int64_t num_prompt_tokens,
                  int64_t top_log_probs, const text::Tokenizer& tokenizer) {
  Json list = Json::array();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const Choice& choice = choices[i];
    Json one = {{"index", i}};
    if (frame.endpoint == Endpoint::kCompletions) {
      one["text"] = choice.text;
    } else {
      one["message"] = {{"role", "assistant"}, {"content", choice.text}};
    }
    one["logprobs"] = log_probs_of(frame, choice.tokens, top_log_probs, tokenizer, 0);
    one["finish_reason"] = finish_name(choice.finish);
    list.push_back(std::move(one));
  }
  Json answer = framed(frame, object_of(frame.endpoint, "text_completion", "chat.completion"), std::move(list));
  answer["usage"] = usage(num_prompt_tokens, choices);
  return answer;
}

Json first_chunk(const AnswerFrame& frame, int64_t choice) {
  return framed(frame, "chat.completion.chunk",
                Json::array({{{"index", choice},
                              {"delta", {{"role", "assistant"}, {"content", ""}}},
                              {"logprobs", nullptr},
                              {"finish_reason", nullptr}}}));
}

Json chunk(const AnswerFrame& frame, const Piece& piece, int64_t top_log_probs, const text::Tokenizer& tokenizer,
           int64_t text_offset) {
  Json one = {{"index", piece.choice}};
  if (frame.endpoint == Endpoint::kCompletions) {
    one["text"] = piece.text;
  } else {
    one["delta"] = piece.text.empty() && piece.tokens.empty() ? Json::object() : Json{{"content", piece.text}};
  }
  one["logprobs"] =
      piece.tokens.empty() ? Json() : log_probs_of(frame, piece.tokens, top_log_probs, tokenizer, text_offset);
  one["finish_reason"] = finish_name(piece.finish);
  return framed(frame, object_of(frame.endpoint, "text_completion", "chat.completion.chunk"),
                Json::array({std::move(one)}));
}

Json usage_chunk(const AnswerFrame& frame, const Json& usage) {
  Json answer = framed(frame, object_of(frame.endpoint, "text_completion", "chat.completion.chunk"), Json::array());
  answer["usage"] = usage;
  return answer;
}

}  // namespace limbeck::serve
