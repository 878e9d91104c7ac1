// limbeck serve: an OpenAI-compatible endpoint of a local model. Ctrl-C and SIGTERM let what is under way end.
#include "serve/service.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/errors.h"
#include "base/fields.h"
#include "base/interrupt.h"
#include "cli/verbs.h"
#include "models/language_model.h"

namespace limbeck::cli {
namespace {

struct ServeOptions {
  std::string model, name, api_key_env;
  WeightFormat weights = WeightFormat::kAsPrecision;
  int64_t max_body_kib = 4096, stop_seconds = 30;
  serve::ServiceOptions service{.http = {.port = 8000}, .log_requests = true};

  void describe(Fields& f) {
    f("model", model, "Hugging Face folder or GGUF file", Names::kRequiredFileOrFolder);
    f("name", name, "the model's name for clients; empty: the file's or folder's own");
    f("host", service.http.host, "address to listen on; 0.0.0.0 is every network that this machine is in");
    f("port", service.http.port, "0: one that is free", Range{.low = 0, .high = 65535});
    f("api_key_env", api_key_env, "name of the environment variable with the key that clients must send; empty: none");
    f("max_batch", service.engine.max_batch, "sequences decoded together", Range{.low = 1, .high = 1024});
    f("max_queue", service.engine.max_queue, "prompts that wait for a place; more are turned away with 503",
      at_least(1));
    f("cache_tokens", service.engine.cache_tokens, "positions whose keys and values are kept, over all sequences",
      at_least(64));
    f("default_max_tokens", service.api.default_max_tokens, "of a chat that names no limit", at_least(1));
    f("max_body_kib", max_body_kib, "KiB that a request may have", Range{.low = 1, .high = 1 << 20});
    f("max_connections", service.http.max_connections, "at once; each has a thread", Range{.low = 1, .high = 4096});
    f("request_seconds", service.request_seconds, "that one answer may take", above(0));
    f("stop_seconds", stop_seconds, "that answers under way get after SIGTERM or Ctrl-C", at_least(0));
    f("precision", service.engine.precision, "of products, keys and values", precision_choices());
    describe_weights(f, weights);
    f("threads", service.engine.threads, "processor threads; 0: one per core", at_least(0));
    f("log_requests", service.log_requests, "a line for each request, without its text");
  }
};

std::string name_of(const std::filesystem::path& model) {
  const auto path = model.has_filename() ? model : model.parent_path();
  return path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
}

std::string key_in(const std::string& variable) {
  if (variable.empty()) return "";
  const char* key = std::getenv(variable.c_str());
  if (key == nullptr || *key == 0)
    user_fail("api_key_env", "expected a key in the environment variable {} but it is not set", variable);
  return key;
}

}  // namespace

int verb_serve(const Args& args) {
  ServeOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  serve::ServiceOptions& service = options.service;
  service.api_key = key_in(options.api_key_env);
  service.model_name = options.name.empty() ? name_of(options.model) : options.name;
  service.http.limits.body = static_cast<std::size_t>(options.max_body_kib) << 10;
  service.api.max_samples = service.engine.max_batch;
  const models::Pretrained source = models::load_pretrained(options.model);
  throw_if_interrupted("nothing was served yet");
  source.model->freeze(service.engine.precision, options.weights);

  serve::Service server(source, service);
  fmt::print("{} at http://{}:{}/v1\n", service.model_name,
             service.http.host.find(':') == std::string::npos ? service.http.host : "[" + service.http.host + "]",
             server.port());
  std::fflush(stdout);
  while (interrupted() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  fmt::print(stderr, "stopping: answers under way have {} s\n", options.stop_seconds);
  server.stop(static_cast<double>(options.stop_seconds));
  return 0;
}

}  // namespace limbeck::cli
