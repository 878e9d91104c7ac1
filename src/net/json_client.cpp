#include "net/json_client.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <limits>
#include <map>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/errors.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/printable.h"
#include "net/balance.h"
#include "net/transfers.h"

namespace limbeck::net {
namespace {

constexpr double kLook = 0.1;                // seconds between two looks at Ctrl-C
constexpr double kLongestRetryAfter = 3600;  // seconds; a server that asks for more is taken at this
constexpr std::size_t kShortKey = 8;         // a "key" as short as this protects nothing and stands in any text
constexpr std::size_t kShownMessage = 400;   // bytes of a server's message

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// {"error": {"message": …, "code": …}}, {"error": …}, {"detail": …}, {"message": …}, or the body itself.
std::string message_in(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (json.is_object())
    for (const char* key : {"error", "detail", "message"}) {
      const auto found = json.find(key);
      if (found == json.end()) continue;
      if (found->is_string()) return printable(found->get_ref<const std::string&>(), kShownMessage);
      if (found->is_object() && found->contains("message") && found->at("message").is_string())
        return printable(found->at("message").get_ref<const std::string&>(), kShownMessage);
      return printable(to_line(*found), kShownMessage);
    }
  return body.empty() ? "(no message)" : printable(body, kShownMessage);
}

// A 429 that no waiting mends: the account has no money left.
bool out_of_quota(const std::string& body) {
  return body.find("insufficient_quota") != std::string::npos;
}

std::string hint_of(int status, const std::string& variable) {
  if (status == 401 || status == 403)
    return variable.empty() ? "; name the environment variable that holds the key with api_key_env"
                            : fmt::format("; is the key in ${} the right one?", variable);
  if (status == 404) return "; is the address right (it usually ends in /v1), and the model's name?";
  if (status >= 300 && status < 400) return "; redirections are not followed, name the address it leads to";
  return "";
}

// What became of one request that was sent.
struct Judged {
  enum class Kind { kTaken, kAgain, kGiveUp } kind = Kind::kTaken;
  std::string what;  // why it failed
  bool may_have_worked = false;
  std::optional<double> wait;  // seconds that the server asks for
};

Judged judge_fault(const Response& response) {
  using Fault = Response::Fault;
  switch (response.fault) {
    case Fault::kTls:
      return {.kind = Judged::Kind::kGiveUp,
              .what = "its certificate is not trusted: " + response.detail +
                      "; ca_file names a file of certificates to trust"};
    case Fault::kConnect:
      return {.kind = Judged::Kind::kAgain, .what = "no connection: " + response.detail};
    case Fault::kTimeOut:
      return {.kind = Judged::Kind::kAgain, .what = "no response in time: " + response.detail, .may_have_worked = true};
    case Fault::kTooLarge:
      return {.kind = Judged::Kind::kAgain, .what = response.detail, .may_have_worked = true};
    default:
      return {
          .kind = Judged::Kind::kAgain, .what = "the connection was cut: " + response.detail, .may_have_worked = true};
  }
}

}  // namespace

void ClientOptions::describe(Fields& f) {
  f("urls", urls, "addresses of the server, as \"http://127.0.0.1:8000/v1\"; several are balanced");
  f("api_key_env", api_key_env, "name of the environment variable that holds the key; empty: no key");
  f("key_without_tls", key_without_tls, "send the key over http:// to another machine too, where others can read it");
  f("ca_file", ca_file, "certificates to trust instead of the system's", Names::kFile);
  f("concurrency", concurrency, "requests under way at once, over all addresses", Range{.low = 1, .high = 1024});
  f("retries", retries, "how often a request is sent again after what passes (429, 5xx, cut connections, time-outs)",
    at_least(0));
  f("connect_timeout", connect_timeout, "seconds until a connection must stand", above(0));
  f("timeout", timeout, "seconds until a whole response must be here", above(0));
  f("first_wait", first_wait, "seconds of the first wait after a failure; each further one is twice as long", above(0));
  f("longest_wait", longest_wait, "seconds of the longest of these waits", above(0));
  f("max_response_mib", max_response_mib, "MiB that a response may have", Range{.low = 1, .high = 4096});
}

JsonClient::JsonClient(const ClientOptions& options, Seed jitter) : options_(options), random_(jitter) {
  std::vector<std::string> mistakes;
  if (options.urls.empty()) mistakes.emplace_back("[urls] expected at least one address but received none");
  for (const std::string& text : options.urls) {
    try {
      urls_.push_back(parse_url(text, "urls"));
    } catch (const UserError& mistake) {
      mistakes.emplace_back(mistake.what());
    }
  }
  if (!options.api_key_env.empty()) {
    const char* key = std::getenv(options.api_key_env.c_str());
    if (key == nullptr || *key == 0)
      mistakes.push_back(fmt::format("[api_key_env] expected a key in the environment variable {} but it is not set",
                                     printable(options.api_key_env)));
    else if (std::string_view(key).find_first_of("\r\n") != std::string_view::npos)
      mistakes.push_back(fmt::format("[api_key_env] the key in {} has an end of line in it", options.api_key_env));
    else
      api_key_ = key;
    for (const Url& url : urls_)
      if (!url.tls && !url.loopback && !options.key_without_tls)
        mistakes.push_back(
            fmt::format("[urls] {} is http:// on another machine: the key would be readable on the way; "
                        "use https://, or set key_without_tls",
                        url.text));
  }
  if (!mistakes.empty()) throw UserErrors(std::move(mistakes));
}

std::string JsonClient::without_key(std::string text) const {
  if (api_key_.size() <= kShortKey) return text;
  for (std::size_t at = 0; (at = text.find(api_key_, at)) != std::string::npos;)
    text.replace(at, api_key_.size(), "[key]");
  return text;
}

// One call of run().
struct JsonClient::Loop {
  struct Sent {
    Request request;
    int64_t failures = 0;
    std::size_t server = 0;
  };

  JsonClient& client;
  const Handler& handler;
  const ClientOptions& options = client.options_;
  BackOff back_off{.first = options.first_wait, .longest = options.longest_wait};
  Balance balance{client.urls_.size(), back_off};
  Transfers transfers;
  std::unordered_map<int64_t, Sent> under_way;  // by a number of our own
  std::multimap<double, Sent> waiting;          // by the time at which they may be sent again
  int64_t next_number = 0;
  std::exception_ptr gave_up;
  bool refused = false;  // by may_send, since something ended

  // A request that can be sent now, which stays where it is until it is sent.
  std::optional<Sent> take(double now) {
    if (!waiting.empty() && waiting.begin()->first <= now) return std::move(waiting.extract(waiting.begin()).mapped());
    if (std::optional<Request> request = handler.next()) return Sent{.request = std::move(*request)};
    return std::nullopt;
  }

  void fill() {
    while (!gave_up && !refused && transfers.num_active() < static_cast<std::size_t>(options.concurrency)) {
      const double now = now_seconds();
      if (!balance.pick(now)) return;
      std::optional<Sent> sent = take(now);
      if (!sent) return;
      if (!handler.may_send(sent->request)) {
        refused = true;
        waiting.emplace(now, std::move(*sent));
        return;
      }
      const std::size_t server = *balance.pick(now, /*tried=*/sent->failures > 0);
      send(std::move(*sent), server);
    }
  }

  void send(Sent sent, std::size_t server) {
    sent.server = server;
    const int64_t number = next_number++;
    transfers.start({.tag = number,
                     .server = client.urls_[server],
                     .path = sent.request.path,
                     .body = sent.request.body,
                     .api_key = client.api_key_,
                     .ca_file = options.ca_file,
                     .connect_timeout = options.connect_timeout,
                     .timeout = options.timeout,
                     .max_bytes = static_cast<std::size_t>(options.max_response_mib) << 20});
    balance.started(server);
    ++client.num_sent_;
    under_way.emplace(number, std::move(sent));
  }

  Judged judge(const Request& request, const Response& response) {
    using Kind = Judged::Kind;
    if (response.fault != Response::Fault::kNone) return judge_fault(response);
    const int status = response.status;
    if (status >= 200 && status < 300) {
      const std::string wrong = handler.received(request, client.without_key(response.body));
      if (wrong.empty()) return {};
      return {.kind = Kind::kAgain, .what = "the response cannot be used: " + wrong, .may_have_worked = true};
    }
    Judged judged{.kind = Kind::kGiveUp, .what = fmt::format("{}: {}", status, message_in(response.body))};
    const bool passes =
        status == 408 || status == 425 || (status == 429 && !out_of_quota(response.body)) || status >= 500;
    if (passes) {
      judged.kind = Kind::kAgain;
      judged.may_have_worked = status == 502 || status == 504;  // said by what stands between us and the server
      if (response.retry_after > 0) judged.wait = std::min(response.retry_after, kLongestRetryAfter);
    } else {
      judged.what += hint_of(status, options.api_key_env);
    }
    return judged;
  }

  void handle(const Response& response) {
    Sent sent = std::move(under_way.extract(response.tag).mapped());
    refused = false;
    const std::string address = client.urls_[sent.server].text + sent.request.path;
    const Judged judged = judge(sent.request, response);
    if (judged.kind == Judged::Kind::kTaken) {
      balance.succeeded(sent.server);
      return;
    }
    handler.failed(sent.request, judged.may_have_worked);
    const std::string what = client.without_key(judged.what);
    if (judged.kind == Judged::Kind::kGiveUp) {
      balance.succeeded(sent.server);
      give_up(UserError(fmt::format("[{}] {}", address, what)));
      return;
    }
    const double now = now_seconds();
    balance.failed(sent.server, now, judged.wait, client.random_.uniform());
    if (++sent.failures > options.retries) {
      give_up(
          Error(fmt::format("[{}] no usable response, sent {} times; the last time {}", address, sent.failures, what)));
      return;
    }
    const double wait =
        judged.wait ? *judged.wait : back_off_seconds(back_off, sent.failures, client.random_.uniform());
    // Another address may answer at once what this one did not.
    const bool at_once = client.urls_.size() > 1 && (sent.failures == 1 || judged.wait);
    waiting.emplace(at_once ? now : now + wait, std::move(sent));
  }

  template <class E>
  void give_up(E error) {
    if (!gave_up) gave_up = std::make_exception_ptr(std::move(error));
  }

  // Until something can be sent, or for a short while.
  double patience() const {
    if (gave_up || refused || transfers.num_active() >= static_cast<std::size_t>(options.concurrency)) return kLook;
    double until = waiting.empty() ? std::numeric_limits<double>::infinity() : waiting.begin()->first;
    until = std::max(until, balance.wakes_at());
    return std::clamp(until - now_seconds(), 0.001, kLook);
  }

  void run(const char* how_to_go_on) {
    while (true) {
      throw_if_interrupted(how_to_go_on);
      fill();
      if (transfers.num_active() == 0) {
        if (gave_up) std::rethrow_exception(gave_up);
        const bool all_rest = !balance.pick(now_seconds());
        if (refused || (waiting.empty() && !all_rest)) return;
        std::this_thread::sleep_for(std::chrono::duration<double>(patience()));
        continue;
      }
      for (const Response& response : transfers.wait(patience())) handle(response);
    }
  }
};

void JsonClient::run(const Handler& handler, const char* how_to_go_on) {
  Loop loop{*this, handler};
  loop.run(how_to_go_on);
}

}  // namespace limbeck::net
