#include "teachers/openai.h"

#include <algorithm>
#include <numeric>

#include "base/errors.h"
#include "base/printable.h"

namespace limbeck::teachers {
namespace {

constexpr std::size_t kMostStops = 4;  // that OpenAI takes; cut_at_stop sees to the others

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<int64_t> count_in(const Json* usage, const char* key) {
  const Json* value = usage == nullptr ? nullptr : member(*usage, key);
  if (value == nullptr || !value->is_number_unsigned() || value->get<uint64_t>() > (uint64_t{1} << 40))
    return std::nullopt;
  return value->get<int64_t>();
}

// NaN unless every token has a number.
double sum_of(const Json* list, const char* key) {
  if (list == nullptr || !list->is_array() || list->empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (const Json& entry : *list) {
    const Json* value = key == nullptr ? &entry : member(entry, key);
    if (value == nullptr || !value->is_number()) return std::numeric_limits<double>::quiet_NaN();
    sum += value->get<double>();
  }
  return sum;
}

Choice choice_of(Api api, const Json& json) {
  Choice choice;
  const Json* log_probs = member(json, "logprobs");
  if (api == Api::kCompletions) {
    const Json* text = member(json, "text");
    if (text == nullptr || !text->is_string()) fail("choices", "expected a text in each choice");
    choice.text = text->get<std::string>();
    if (log_probs != nullptr) choice.log_prob = sum_of(member(*log_probs, "token_logprobs"), nullptr);
  } else {
    const Json* message = member(json, "message");
    if (message == nullptr || !message->is_object()) fail("choices", "expected a message in each choice");
    // A refusal or a call of a tool has no content: it is an answer without text.
    const Json* content = member(*message, "content");
    if (content != nullptr && !content->is_string()) fail("choices", "expected a text as the message's content");
    if (content != nullptr) choice.text = content->get<std::string>();
    if (log_probs != nullptr) choice.log_prob = sum_of(member(*log_probs, "content"), "logprob");
  }
  const Json* finish = member(json, "finish_reason");
  if (finish != nullptr && finish->is_string() && finish->get_ref<const std::string&>() == "length")
    choice.finish = generate::Finish::kLength;
  return choice;
}

// The choices' order: by index where the indices are 0 … n-1, each once; else as they stand.
std::vector<std::size_t> order_of(const Json& choices) {
  std::vector<std::size_t> order(choices.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<std::size_t> places(choices.size(), choices.size());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const Json* index = member(choices[i], "index");
    if (index == nullptr || !index->is_number_unsigned()) return order;
    const auto place = index->get<uint64_t>();
    if (place >= places.size() || places[place] != choices.size()) return order;
    places[place] = i;
  }
  return places;
}

}  // namespace

std::string path_of(Api api) {
  return api == Api::kCompletions ? "/completions" : "/chat/completions";
}

Json request_body(const Dialect& dialect, const std::string& prompt, const generate::SamplingOptions& sampling,
                  int64_t num_samples, int64_t seed) {
  Json body = {{"model", dialect.model}};
  if (dialect.api == Api::kCompletions) {
    body["prompt"] = prompt;
    if (dialect.log_probs) body["logprobs"] = 1;
  } else {
    body["messages"] = Json::array();
    if (!dialect.system.empty()) body["messages"].push_back({{"role", "system"}, {"content", dialect.system}});
    body["messages"].push_back({{"role", "user"}, {"content", prompt}});
    if (dialect.log_probs) body["logprobs"] = true;
  }
  body[dialect.token_limit == TokenLimit::kMaxTokens ? "max_tokens" : "max_completion_tokens"] =
      sampling.max_new_tokens;
  body["temperature"] = sampling.temperature;
  body["n"] = num_samples;
  if (sampling.top_p != 1) body["top_p"] = sampling.top_p;
  Json stop = Json::array();
  for (const std::string& text : sampling.stop)
    if (!text.empty() && stop.size() < kMostStops) stop.push_back(text);
  if (!stop.empty()) body["stop"] = stop;
  if (dialect.seeded) body["seed"] = seed;
  if (dialect.extensions) {
    if (sampling.top_k > 0) body["top_k"] = sampling.top_k;
    if (sampling.min_p > 0) body["min_p"] = sampling.min_p;
    if (sampling.repetition_penalty != 1) body["repetition_penalty"] = sampling.repetition_penalty;
  }
  return body;
}

Answer read_answer(Api api, const std::string& body, int64_t most) {
  const Json json = parse_json(body, "response");
  const Json* choices = member(json, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty())
    fail("response", "expected choices but received {}", printable(body));
  Answer answer;
  for (const std::size_t i : order_of(*choices)) {
    if (static_cast<int64_t>(answer.choices.size()) == most) break;
    answer.choices.push_back(choice_of(api, (*choices)[i]));
  }
  const Json* usage = member(json, "usage");
  answer.prompt_tokens = count_in(usage, "prompt_tokens");
  answer.completion_tokens = count_in(usage, "completion_tokens");
  return answer;
}

Choice cut_at_stop(Choice choice, const std::vector<std::string>& stop) {
  std::size_t end = std::string::npos;
  for (const std::string& text : stop)
    if (!text.empty()) end = std::min(end, choice.text.find(text));
  if (end == std::string::npos) return choice;
  choice.text.resize(end);
  choice.finish = generate::Finish::kStop;
  choice.log_prob = std::numeric_limits<double>::quiet_NaN();  // some of its tokens are gone
  return choice;
}

}  // namespace limbeck::teachers
