#include "teachers/record_served.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "base/errors.h"
#include "base/json.h"
#include "base/printable.h"
#include "net/json_client.h"

namespace limbeck::teachers {
namespace {

constexpr std::string_view kTokenId = "token_id:";

int32_t token_id(const std::string& name) {
  int32_t id = -1;
  const char* end = name.data() + name.size();
  if (!name.starts_with(kTokenId) || std::from_chars(name.data() + kTokenId.size(), end, id).ptr != end || id < 0)
    fail("response", "expected tokens as token_id:N but received {}; does the server know return_tokens_as_token_ids?",
         printable(name));
  return id;
}

// {"token_id:5": -0.1, …} -> most likely first, at most k.
generate::TopLogProbs top_of(const Json& entry, int64_t k) {
  if (!entry.is_object() || entry.empty())
    fail("response", "expected log-probabilities but received {}", printable_value(entry));
  std::vector<std::pair<double, int32_t>> all;
  for (const auto& [name, log_prob] : entry.items()) {
    if (!log_prob.is_number() || !(log_prob.get<double>() <= 1e-3))
      fail("response", "expected a log-probability but received {}", printable_value(log_prob));
    all.emplace_back(-std::min(0.0, log_prob.get<double>()), token_id(name));
  }
  std::sort(all.begin(), all.end());
  if (static_cast<int64_t>(all.size()) > k) all.resize(static_cast<std::size_t>(k));
  generate::TopLogProbs top;
  double mass = 0;
  for (const auto& [negative, id] : all) {
    top.ids.push_back(id);
    top.log_probs.push_back(static_cast<float>(-negative));
    mass += std::exp(-negative);
  }
  if (mass > 1.01) fail("response", "expected probabilities of at most 1 together but received {:.3f}", mass);
  top.rest = std::max(0.0, 1 - mass);
  return top;
}

}  // namespace

std::vector<generate::TopLogProbs> read_predictions(const std::string& body, const TaughtText& text, int64_t k) {
  const Json json = parse_json(body, "response");
  const auto at = [](const Json& object, const char* key) -> const Json& {
    static const Json none;
    if (!object.is_object()) return none;
    const auto found = object.find(key);
    return found == object.end() ? none : *found;
  };
  const Json& choices = at(json, "choices");
  if (!choices.is_array() || choices.empty()) fail("response", "expected choices but received {}", printable(body));
  const Json& log_probs = at(choices[0], "logprobs");
  const Json &tokens = at(log_probs, "tokens"), &top = at(log_probs, "top_logprobs");
  if (!tokens.is_array() || !top.is_array() || tokens.size() < text.ids.size() || top.size() != tokens.size())
    fail("response", "expected log-probabilities of the prompt's {} tokens; does the server know echo with logprobs?",
         text.ids.size());
  for (std::size_t i = 0; i < text.ids.size(); ++i)
    if (!tokens[i].is_string() || token_id(tokens[i].get<std::string>()) != text.ids[i])
      fail("response", "expected token {} at place {} but received {}", text.ids[i], i, printable_value(tokens[i]));
  std::vector<generate::TopLogProbs> predictions;
  for (const int64_t place : text.places) predictions.push_back(top_of(top[static_cast<std::size_t>(place)], k));
  return predictions;
}

void record_log_probs(const ServedOptions& teacher, std::span<const TaughtText> texts, LogProbWriter& writer,
                      const std::function<void(int64_t num_done)>& on_text) {
  net::JsonClient client(teacher.server);
  Budget budget(teacher.cap, teacher.price, {});
  int64_t num_done = 0;
  std::size_t next = 0;
  bool capped = false;
  const auto worst = [&](const net::Request& request) {
    return Tokens{.prompt = static_cast<int64_t>(texts[static_cast<std::size_t>(request.tag)].ids.size()),
                  .completion = 1};
  };
  std::string wrong;  // of the last answer that could not be used
  client.run({.next = [&]() -> std::optional<net::Request> {
                while (next < texts.size() && writer.contains(texts[next].ids)) on_text(++num_done), ++next;
                if (next == texts.size()) return std::nullopt;
                const Json body = {{"model", teacher.dialect.model},
                                   {"prompt", texts[next].ids},
                                   {"max_tokens", 1},
                                   {"temperature", 0},
                                   {"echo", true},
                                   {"logprobs", writer.k()},
                                   {"return_tokens_as_token_ids", true}};
                return net::Request{.tag = static_cast<int64_t>(next++), .path = "/completions", .body = to_line(body)};
              },
              .may_send = [&](const net::Request& request) { return !(capped = !budget.reserve(worst(request))); },
              .received = [&](const net::Request& request, const std::string& body) -> std::string {
                const TaughtText& text = texts[static_cast<std::size_t>(request.tag)];
                try {
                  writer.add(text.ids, text.places, read_predictions(body, text, writer.k()));
                } catch (const std::exception& e) {
                  return wrong = e.what();
                }
                budget.settle(worst(request), worst(request));
                on_text(++num_done);
                return "";
              },
              .failed =
                  [&](const net::Request& request, bool may_have_worked) {
                    budget.settle(worst(request), may_have_worked ? worst(request) : Tokens{});
                  }},
             "what was recorded is stored; run the same command again to go on");
  writer.sync();
  if (capped)
    user_fail("teacher",
              "the cap is reached after {} of {} texts: {} tokens, cost {:.4f}; raise it and run the same command "
              "again: what was recorded is stored",
              num_done, texts.size(), budget.spent().total(), budget.cost());
}

}  // namespace limbeck::teachers
