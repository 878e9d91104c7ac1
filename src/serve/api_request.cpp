#include "serve/api_request.h"

#include <algorithm>
#include <cmath>  // std::isfinite
#include <optional>

#include "base/errors.h"
#include "base/json.h"
#include "base/printable.h"
#include "text/chat_template.h"

namespace limbeck::serve {
namespace {

constexpr int64_t kMostStops = 16, kMostTopCompletion = 255, kMostTopChat = 20;

// A field that is there and not null.
const Json* given(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

double number(const Json& object, const char* key, double fallback, double low, double high) {
  const Json* value = given(object, key);
  if (value == nullptr) return fallback;
  if (!value->is_number() || !std::isfinite(value->get<double>()) || value->get<double>() < low ||
      value->get<double>() > high)
    user_fail(key, "expected a number from {} to {} but received {}", low, high, printable_value(*value));
  return value->get<double>();
}

int64_t whole(const Json& object, const char* key, int64_t fallback, int64_t low, int64_t high) {
  const Json* value = given(object, key);
  if (value == nullptr) return fallback;
  const bool fits = value->is_number_unsigned() ? value->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX)
                                                : value->is_number_integer();
  if (!fits || value->get<int64_t>() < low || value->get<int64_t>() > high)
    user_fail(key, "expected a whole number from {} to {} but received {}", low, high, printable_value(*value));
  return value->get<int64_t>();
}

bool truth(const Json& object, const char* key) {
  const Json* value = given(object, key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) user_fail(key, "expected true or false but received {}", printable_value(*value));
  return value->get<bool>();
}

std::string text_of(const Json& value, const char* where) {
  if (!value.is_string()) user_fail(where, "expected a text but received {}", printable_value(value));
  return value.get<std::string>();
}

void refuse_unsupported(const Json& request) {
  for (const char* key : {"suffix", "logit_bias", "tools", "functions", "audio"})
    if (const Json* value = given(request, key); value != nullptr && !(value->is_structured() && value->empty()))
      user_fail(key, "this server does not support it");
  for (const char* key : {"presence_penalty", "frequency_penalty"})
    if (number(request, key, 0, -1e9, 1e9) != 0) user_fail(key, "this server does not support it");
  if (whole(request, "best_of", 1, 1, INT64_MAX) > whole(request, "n", 1, 1, INT64_MAX))
    user_fail("best_of", "this server does not support it");
  if (const Json* format = given(request, "response_format"); format != nullptr)
    if (!format->is_object() || format->value("type", Json("text")) != Json("text"))
      user_fail("response_format", "this server writes text only");
}

generate::SamplingOptions read_sampling(const Json& request) {
  generate::SamplingOptions sampling{.temperature = number(request, "temperature", 1, 0, 100)};
  sampling.top_p = number(request, "top_p", 1, 0, 1);
  if (sampling.top_p == 0) sampling.temperature = 0, sampling.top_p = 1;             // only the likeliest token is left
  sampling.top_k = std::max<int64_t>(0, whole(request, "top_k", 0, -1, INT64_MAX));  // -1: off, as vLLM has it
  sampling.min_p = number(request, "min_p", 0, 0, 1);
  sampling.repetition_penalty = number(request, "repetition_penalty", 1, 0.01, 100);
  if (const Json* stop = given(request, "stop"); stop != nullptr) {
    const Json list = stop->is_array() ? *stop : Json::array({*stop});
    if (static_cast<int64_t>(list.size()) > kMostStops) user_fail("stop", "expected at most {} texts", kMostStops);
    for (const Json& text : list)
      if (std::string end = text_of(text, "stop"); !end.empty()) sampling.stop.push_back(std::move(end));
  }
  return sampling;
}

std::vector<int32_t> ids_in(const Json& list) {
  std::vector<int32_t> ids;
  for (const Json& id : list) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX)
      user_fail("prompt", "expected tokens but received {}", printable_value(id));
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

// A text, a list of texts, a list of tokens, or a list of lists of tokens.
std::vector<std::vector<int32_t>> read_prompts(const Json& request, const models::Pretrained& source,
                                               const ApiLimits& limits) {
  const Json* prompt = given(request, "prompt");
  if (prompt == nullptr) user_fail("prompt", "expected a prompt but received none");
  const auto encode = [&](const Json& text) { return source.tokenizer->encode(text.get_ref<const std::string&>()); };
  if (prompt->is_string()) return {encode(*prompt)};
  if (!prompt->is_array() || prompt->empty())
    user_fail("prompt", "expected a text, texts or tokens but received {}", printable_value(*prompt));
  if (prompt->front().is_number()) return {ids_in(*prompt)};
  if (static_cast<int64_t>(prompt->size()) > limits.max_prompts)
    user_fail("prompt", "expected at most {} prompts but received {}", limits.max_prompts, prompt->size());
  std::vector<std::vector<int32_t>> prompts;
  for (const Json& one : *prompt) {
    if (!one.is_string() && !one.is_array())
      user_fail("prompt", "expected texts or lists of tokens but received {}", printable_value(one));
    prompts.push_back(one.is_string() ? encode(one) : ids_in(one));
  }
  return prompts;
}

// A content is a text, or a list of parts of which only texts are understood.
std::string content_of(const Json& message) {
  const Json* content = given(message, "content");
  if (content == nullptr) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array())
    user_fail("messages", "expected a text as content but received {}", printable_value(*content));
  std::string text;
  for (const Json& part : *content) {
    const Json* type = part.is_object() ? given(part, "type") : nullptr;
    const Json* piece = part.is_object() ? given(part, "text") : nullptr;
    if (type == nullptr || *type != Json("text") || piece == nullptr)
      user_fail("messages", "expected contents of type text: this model reads nothing else");
    text += text_of(*piece, "messages");
  }
  return text;
}

std::vector<int32_t> read_chat(const Json& request, const models::Pretrained& source) {
  const Json* list = given(request, "messages");
  if (list == nullptr || !list->is_array() || list->empty()) user_fail("messages", "expected at least one message");
  std::vector<text::ChatMessage> messages;
  for (const Json& message : *list) {
    const Json* role = message.is_object() ? given(message, "role") : nullptr;
    if (role == nullptr) user_fail("messages", "expected objects with role and content");
    messages.push_back({text_of(*role, "messages"), content_of(message)});
  }
  return source.tokenizer->encode_rendered(
      text::render_chat(source.tokenizer->spec(), messages, {.add_generation_prompt = true}));
}

// -1: none. Completions name a number, chats say whether and how many.
int64_t read_top_log_probs(Endpoint endpoint, const Json& request) {
  if (endpoint == Endpoint::kCompletions) return whole(request, "logprobs", -1, 0, kMostTopCompletion);
  const int64_t top = whole(request, "top_logprobs", 0, 0, kMostTopChat);
  if (truth(request, "logprobs")) return top;
  if (top > 0) user_fail("top_logprobs", "needs logprobs = true");
  return -1;
}

int64_t read_max_tokens(Endpoint endpoint, const Json& request, int64_t room, const ApiLimits& limits, bool echo) {
  const int64_t fallback =
      endpoint == Endpoint::kCompletions ? 16 : std::clamp<int64_t>(room, 1, limits.default_max_tokens);
  const int64_t newer = whole(request, "max_completion_tokens", fallback, 1, INT32_MAX);
  return whole(request, "max_tokens", newer, echo ? 0 : 1, INT32_MAX);
}

}  // namespace

ApiRequest read_api_request(Endpoint endpoint, const std::string& body, const std::string& model_name,
                            const models::Pretrained& source, const ApiLimits& limits, Seed fallback) {
  Json request;
  try {
    request = parse_json(body, "request");
  } catch (const Error& e) {
    throw UserError(e.what());
  }
  if (!request.is_object()) user_fail("request", "expected a JSON object");
  if (const Json* model = given(request, "model"); model != nullptr && text_of(*model, "model") != model_name)
    throw UnknownModel(fmt::format("[model] there is no model '{}' here; this server has '{}'",
                                   printable(model->get_ref<const std::string&>()), model_name));
  refuse_unsupported(request);
  ApiRequest result;
  result.stream = truth(request, "stream");
  if (const Json* options = given(request, "stream_options"); options != nullptr && options->is_object())
    result.with_usage = truth(*options, "include_usage");
  result.num_samples = whole(request, "n", 1, 1, limits.max_samples);
  result.top_log_probs = read_top_log_probs(endpoint, request);
  result.echo = endpoint == Endpoint::kCompletions && truth(request, "echo");
  result.token_ids = truth(request, "return_tokens_as_token_ids");
  if (result.echo && (result.stream || result.num_samples > 1)) user_fail("echo", "needs n = 1 and no stream");
  const generate::SamplingOptions sampling = read_sampling(request);
  const Seed seed =
      given(request, "seed") != nullptr
          ? Seed(static_cast<uint64_t>(whole(request, "seed", 0, INT64_MIN, INT64_MAX))).derive("generate")
          : fallback;
  const auto prompts = endpoint == Endpoint::kChat ? std::vector<std::vector<int32_t>>{read_chat(request, source)}
                                                   : read_prompts(request, source, limits);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    Job job{.ids = prompts[i],
            .num_samples = result.num_samples,
            .sampling = sampling,
            .seed = seed.derive(i),
            .top_log_probs = result.top_log_probs,
            .tell_prompt = result.echo && result.top_log_probs >= 0};
    if (job.ids.empty()) {
      const auto& config = source.model->config();
      const auto& spec = source.tokenizer->spec();
      if (!config.bos_token_id && !spec.bos)
        user_fail("prompt", "is empty, and the model has no token that begins a text");
      job.ids.push_back(config.bos_token_id ? static_cast<int32_t>(*config.bos_token_id) : *spec.bos);
    }
    const int64_t size = static_cast<int64_t>(job.ids.size());
    job.sampling.max_new_tokens =
        read_max_tokens(endpoint, request, source.model->config().max_position_embeddings - size, limits,
                        result.echo && result.top_log_probs >= 0);
    result.num_prompt_tokens += size;
    result.jobs.push_back(std::move(job));
  }
  return result;
}

}  // namespace limbeck::serve
