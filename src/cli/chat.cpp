// limbeck chat: a conversation in the model's own template, a line a turn. Answers stream as they come; Ctrl-C stops an
// answer, and at the prompt ends the program. A piped input is taken line by line in the same way.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>  // isatty

#include <cstdio>
#include <iostream>

#include "base/errors.h"
#include "base/fields.h"
#include "base/interrupt.h"
#include "cli/verbs.h"
#include "generate/session.h"
#include "models/language_model.h"
#include "text/chat_template.h"

namespace limbeck::cli {
namespace {

struct ChatOptions {
  std::string model, system;
  Precision precision = Precision::kBf16;
  WeightFormat weights = WeightFormat::kAsPrecision;
  int64_t seed = 0, threads = 0;
  generate::SamplingOptions sampling{.max_new_tokens = 512, .temperature = 0.7, .top_p = 0.9};
  void describe(Fields& f) {
    f("model", model, "Hugging Face folder or GGUF file with a chat template", Names::kRequiredFileOrFolder);
    f("system", system, "what the model is told before the conversation; empty: what its template says");
    f("precision", precision, "of products, keys and values", {{"bf16", Precision::kBf16}, {"fp32", Precision::kFp32}});
    describe_weights(f, weights);
    f("seed", seed, "the same seed and the same lines give the same answers", at_least(0));
    f("threads", threads, "processor threads; 0: one per core", at_least(0));
    sampling.describe(f);
  }
};

volatile sig_atomic_t stop_asked = 0;
void ask_to_stop(int) {
  stop_asked = 1;
}

// Ctrl-C sets a flag and wakes a waiting read. Other signals stay with base/interrupt.h.
void catch_control_c() {
  struct sigaction action = {};
  action.sa_handler = ask_to_stop;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

class Chat {
 public:
  Chat(const ChatOptions& options, models::Pretrained source)
      : options_(options), source_(std::move(source)), session_(source_, options.precision) {
    begin_again();
  }

  void begin_again() {
    messages_.clear();
    if (!options_.system.empty()) messages_.push_back({"system", options_.system});
  }

  // Writes the answer to the standard output as it comes.
  void say(const std::string& line) {
    messages_.push_back({"user", line});
    const std::vector<int32_t> ids = fitting_ids();
    if (static_cast<int64_t>(ids.size()) > room()) {
      fmt::print(stderr, "(this message is {} tokens longer than the context has room for: it was not said)\n",
                 static_cast<int64_t>(ids.size()) - room());
      messages_.pop_back();
      return;
    }
    const Seed seed = Seed(static_cast<uint64_t>(options_.seed)).derive("chat").derive(static_cast<uint64_t>(turn_++));
    stop_asked = 0;
    const generate::Sample answer = session_.answer(ids, options_.sampling, seed, [](std::string_view piece) {
      fmt::print("{}", piece);
      std::fflush(stdout);
      return stop_asked == 0 && interrupted() == 0;
    });
    fmt::print("\n");
    std::fflush(stdout);
    messages_.push_back({"assistant", answer.text});
    stop_asked = 0;
  }

 private:
  int64_t room() const { return source_.model->config().max_position_embeddings - options_.sampling.max_new_tokens; }

  // The conversation as tokens; the oldest exchanges are forgotten where it would not fit the context.
  std::vector<int32_t> fitting_ids() {
    while (true) {
      auto ids = source_.tokenizer->encode_rendered(
          text::render_chat(source_.tokenizer->spec(), messages_, {.add_generation_prompt = true}));
      const std::size_t first = messages_.front().role == "system" ? 1 : 0;
      if (static_cast<int64_t>(ids.size()) <= room() || messages_.size() <= first + 1) return ids;
      fmt::print(stderr, "(the context is full: the oldest exchange is forgotten)\n");
      messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(first),
                      messages_.begin() + static_cast<std::ptrdiff_t>(first) + 2);
    }
  }

  const ChatOptions& options_;
  models::Pretrained source_;
  generate::Session session_;
  std::vector<text::ChatMessage> messages_;
  int64_t turn_ = 0;
};

}  // namespace

int verb_chat(const Args& args) {
  ChatOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  models::Pretrained source = models::load_pretrained(options.model);
  // Before the first line is typed: a template that is missing or not supported is the user's mistake.
  text::render_chat(source.tokenizer->spec(), std::vector<text::ChatMessage>{{"user", "hello"}},
                    {.add_generation_prompt = true});
  source.model->freeze(options.precision, options.weights);
  Chat chat(options, std::move(source));
  const bool terminal = isatty(STDIN_FILENO) == 1;
  if (terminal) fmt::print(stderr, "Ctrl-C stops an answer; /new begins again; /quit or Ctrl-D ends.\n");
  catch_control_c();
  std::string line;
  while (true) {
    if (terminal) {
      fmt::print("> ");
      std::fflush(stdout);
    }
    if (!std::getline(std::cin, line) || interrupted() != 0 || stop_asked != 0) break;
    if (line == "/quit") return 0;
    if (line == "/new") {
      chat.begin_again();
    } else if (line.find_first_not_of(" \t\r") != std::string::npos) {
      chat.say(line);
    }
  }
  if (terminal) fmt::print("\n");
  if (stop_asked != 0) return 128 + SIGINT;
  return interrupted() != 0 ? 128 + interrupted() : 0;
}

}  // namespace limbeck::cli
