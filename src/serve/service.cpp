#include "serve/service.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <random>  // std::random_device
#include <utility>

#include "base/errors.h"
#include "base/json.h"
#include "serve/api_response.h"

namespace limbeck::serve {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kGlance = 0.1;  // seconds between two looks at whether the client is still there

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Takes as long for a wrong key as for the right one, wherever they differ.
bool same_key(const std::string& received, const std::string& expected) {
  unsigned char differences = received.size() == expected.size() ? 0 : 1;
  for (std::size_t i = 0; i < received.size(); ++i)
    differences |= static_cast<unsigned char>(received[i]) ^ static_cast<unsigned char>(expected[i % expected.size()]);
  return differences == 0;
}

void send_json(net::HttpReply& reply, const Json& json) {
  reply.send(200, "application/json", to_line(json));
}

}  // namespace

struct Service::State {
  State(const models::Pretrained& pretrained, const ServiceOptions& service_options)
      : source(pretrained), options(service_options), engine(source, options.engine) {
    std::random_device device;
    entropy = Seed((static_cast<uint64_t>(device()) << 32) | device());
  }

  const models::Pretrained source;
  const ServiceOptions options;
  Engine engine;
  Seed entropy;  // of requests that name no seed
  std::atomic<uint64_t> num_requests = 0;
  const int64_t created = std::time(nullptr);
  std::unique_ptr<net::HttpServer> http;  // last: its threads end first

  void handle(const net::HttpRequest& request, net::HttpReply& reply) {
    const auto start = Clock::now();
    route(request, reply);
    if (options.log_requests)
      fmt::print(stderr, "{} {} {:.2f} s\n", request.method, request.path, seconds_since(start));
  }

  void route(const net::HttpRequest& request, net::HttpReply& reply) {
    struct Route {
      const char *method, *path;
      void (State::*answer)(const net::HttpRequest&, net::HttpReply&);
    };
    static constexpr Route kRoutes[] = {{"GET", "/health", &State::answer_health},
                                        {"GET", "/v1/models", &State::answer_models},
                                        {"POST", "/v1/completions", &State::answer_completions},
                                        {"POST", "/v1/chat/completions", &State::answer_chat}};
    for (const Route& route : kRoutes) {
      if (request.path != route.path) continue;
      if (request.method != route.method)
        return send_error(reply, 405, fmt::format("expected {} {}", route.method, route.path),
                          {{"Allow", route.method}});
      if (route.path != std::string_view("/health") && !allowed(request))
        return send_error(reply, 401, "the key is not the right one", {{"WWW-Authenticate", "Bearer"}});
      return (this->*route.answer)(request, reply);
    }
    send_error(reply, 404, "there is /v1/completions, /v1/chat/completions, /v1/models and /health");
  }

  bool allowed(const net::HttpRequest& request) const {
    if (options.api_key.empty()) return true;
    const std::string* given = request.header("authorization");
    constexpr std::string_view kBearer = "Bearer ";
    return given != nullptr && given->starts_with(kBearer) && same_key(given->substr(kBearer.size()), options.api_key);
  }

  void answer_health(const net::HttpRequest&, net::HttpReply& reply) {
    const EngineFigures figures = engine.figures();
    send_json(reply, {{"status", "ok"},
                      {"model", options.model_name},
                      {"running", figures.num_running},
                      {"waiting", figures.num_waiting},
                      {"tokens_read", figures.num_read},
                      {"tokens_drawn", figures.num_drawn}});
  }

  void answer_models(const net::HttpRequest&, net::HttpReply& reply) {
    send_json(reply, {{"object", "list"},
                      {"data", Json::array({{{"id", options.model_name},
                                             {"object", "model"},
                                             {"created", created},
                                             {"owned_by", "limbeck"},
                                             {"max_model_len", source.model->config().max_position_embeddings}}})}});
  }

  void answer_completions(const net::HttpRequest& request, net::HttpReply& reply) {
    answer(Endpoint::kCompletions, request, reply);
  }
  void answer_chat(const net::HttpRequest& request, net::HttpReply& reply) { answer(Endpoint::kChat, request, reply); }

  void answer(Endpoint endpoint, const net::HttpRequest& request, net::HttpReply& reply) {
    const uint64_t number = num_requests++;
    ApiRequest asked;
    std::unique_ptr<Ticket> ticket;
    try {
      asked = read_api_request(endpoint, request.body, options.model_name, source, options.api, entropy.derive(number));
      ticket = engine.submit(asked.jobs);
    } catch (const UnknownModel& e) {
      return send_error(reply, 404, e.what());
    } catch (const UserError& e) {
      return send_error(reply, 400, e.what());
    }
    if (!ticket) return send_error(reply, 503, "the queue is full; try again", {{"Retry-After", "1"}});
    const AnswerFrame frame{.endpoint = endpoint,
                            .id = fmt::format("{}-{:016x}", endpoint == Endpoint::kChat ? "chatcmpl" : "cmpl",
                                              entropy.derive(number).value()),
                            .model = options.model_name,
                            .created = std::time(nullptr),
                            .token_ids = asked.token_ids};
    if (asked.stream) {
      stream(asked, *ticket, frame, reply);
    } else {
      send_whole(asked, *ticket, frame, reply);
    }
  }

  // Calls on_piece for everything that comes. False when it ended early: the client is gone, or it took too long.
  template <class F>
  bool collect(const ApiRequest& asked, Ticket& ticket, net::HttpReply& reply, std::vector<Choice>& choices,
               const F& on_piece) const {
    choices.resize(asked.jobs.size() * static_cast<std::size_t>(asked.num_samples));
    std::size_t num_open = choices.size();
    const auto start = Clock::now();
    while (num_open > 0) {
      for (const Piece& piece : ticket.take(kGlance)) {
        Choice& choice = choices[static_cast<std::size_t>(piece.choice)];
        if (!on_piece(piece, choice)) return false;
        choice.add(piece);
        if (piece.finish) --num_open;
      }
      if (num_open > 0 && (reply.gone() || seconds_since(start) > options.request_seconds)) return false;
    }
    return true;
  }

  void send_whole(const ApiRequest& asked, Ticket& ticket, const AnswerFrame& frame, net::HttpReply& reply) const {
    std::vector<Choice> choices;
    const bool complete = collect(asked, ticket, reply, choices, [](const Piece&, const Choice&) { return true; });
    if (!complete)
      return send_error(reply, 504, fmt::format("the answer took more than {} s", options.request_seconds));
    for (std::size_t i = 0; asked.echo && i < choices.size(); ++i)  // n is 1
      choices[i].echo(asked.jobs[i].ids, *source.tokenizer);
    send_json(reply, whole_answer(frame, choices, asked.num_prompt_tokens, asked.top_log_probs, *source.tokenizer));
  }

  void stream(const ApiRequest& asked, Ticket& ticket, const AnswerFrame& frame, net::HttpReply& reply) const {
    reply.begin_stream("text/event-stream");
    const auto say = [&](const Json& json) { return reply.write("data: " + to_line(json) + "\n\n"); };
    std::vector<Choice> choices;
    if (frame.endpoint == Endpoint::kChat)
      for (int64_t i = 0; i < static_cast<int64_t>(asked.jobs.size()) * asked.num_samples; ++i)
        say(first_chunk(frame, i));
    try {
      const bool complete = collect(asked, ticket, reply, choices, [&](const Piece& piece, const Choice& choice) {
        return say(
            chunk(frame, piece, asked.top_log_probs, *source.tokenizer, static_cast<int64_t>(choice.text.size())));
      });
      if (!complete) {
        say({{"error",
              {{"message", fmt::format("the answer took more than {} s", options.request_seconds)},
               {"type", "server_error"}}}});
        return;  // without an end: nobody takes it for whole
      }
    } catch (const std::exception& e) {
      fmt::print(stderr, "{}\n", e.what());
      say({{"error", {{"message", "the server failed"}, {"type", "server_error"}}}});
      return;
    }
    if (asked.with_usage) say(usage_chunk(frame, usage(asked.num_prompt_tokens, choices)));
    reply.write("data: [DONE]\n\n");
    reply.end_stream();
  }
};

Service::Service(const models::Pretrained& source, const ServiceOptions& options)
    : state_(std::make_unique<State>(source, options)) {
  state_->http = std::make_unique<net::HttpServer>(
      options.http, [state = state_.get()](const net::HttpRequest& request, net::HttpReply& reply) {
        state->handle(request, reply);
      });
}

Service::~Service() = default;

int Service::port() const {
  return state_->http->port();
}

void Service::stop(double seconds) {
  state_->http->stop(seconds);
}

}  // namespace limbeck::serve
