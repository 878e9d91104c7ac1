// An OpenAI-compatible service of one local model, on top of the engine and the HTTP server:
//   POST /v1/completions, POST /v1/chat/completions, GET /v1/models, GET /health
#pragma once

#include <memory>
#include <string>

#include "base/fields.h"
#include "models/language_model.h"
#include "net/http_server.h"
#include "serve/api_request.h"
#include "serve/engine.h"

namespace limbeck::serve {

struct ServiceOptions {
  net::HttpServerOptions http;
  EngineOptions engine;
  ApiLimits api;
  std::string model_name = "limbeck";
  std::string api_key;           // "" for none
  double request_seconds = 600;  // that one answer may take
  bool log_requests = false;     // a line on stderr for each; never its text
};

class Service {
 public:
  // Listens when it returns. The model is frozen. Throws UserError when it cannot listen.
  Service(const models::Pretrained& source, const ServiceOptions& options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  int port() const;
  // Takes nothing new, waits up to `seconds` for what is under way.
  void stop(double seconds);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace limbeck::serve
