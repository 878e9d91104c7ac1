// Continuous batching for requests that come at any time: one thread moves all sequences by a token a step, reads new
// prompts in the same steps, and lets a waiting request in as soon as there is room. What several prompts begin with
// (worked examples, a system message, the earlier turns of a chat) is computed once and kept.
// The samples of a request depend on its seed alone, as those of generate::generate do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/seeds.h"
#include "generate/generate.h"
#include "generate/top_log_probs.h"
#include "models/language_model.h"

namespace limbeck::serve {

struct EngineOptions {
  int64_t max_batch = 32;        // sequences decoded together
  int64_t max_queue = 64;        // requests that wait for a place
  int64_t cache_tokens = 65536;  // positions whose keys and values are kept, over all sequences
  int64_t threads = 0;           // 0: LibTorch's default
  Precision precision = Precision::kBf16;
};

// One prompt of a request.
struct Job {
  std::vector<int32_t> ids;  // at least one
  int64_t num_samples = 1;
  generate::SamplingOptions sampling;
  Seed seed{};                 // sample i uses seed.derive(i)
  int64_t top_log_probs = -1;  // how many of the likeliest tokens are told for each place; -1: no log-probabilities
  bool tell_prompt = false;    // log-probabilities of the prompt's tokens too; max_new_tokens may be 0 then
};

struct Token {
  int32_t id = 0;
  double log_prob = 0;
  generate::TopLogProbs top;
};

// What is new of one sample. Choice c is sample c % n of prompt c / n.
struct Piece {
  int64_t choice = 0;
  std::string text;                        // that can be shown
  std::vector<Token> tokens;               // where log-probabilities were asked for
  std::vector<Token> prompt;               // of the prompt from its second token on, once, where they were asked for
  std::optional<generate::Finish> finish;  // the last piece of the sample has it
  int64_t num_drawn = 0;                   // with the last one: tokens drawn, the one that ended it too
  int64_t num_kept = 0;                    // and of them those that belong to the text
};

// A request's place. Giving it up (the destructor) ends the request.
class Ticket {
 public:
  virtual ~Ticket() = default;
  // What has come, after at most `seconds`; returns sooner when something comes. Throws Error when the engine failed.
  virtual std::vector<Piece> take(double seconds) = 0;
};

struct EngineFigures {
  int64_t num_running = 0, num_waiting = 0;  // prompts
  int64_t num_drawn = 0, num_read = 0;       // tokens so far: of answers, and of prompts that were computed
};

class Engine {
 public:
  // The model is frozen.
  Engine(const models::Pretrained& source, const EngineOptions& options);
  ~Engine();  // ends what is under way
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Null when the queue has no room for the jobs. Throws UserError for a job that can never run: no prompt, more tokens
  // than the context or the cache has, more samples than the batch.
  std::unique_ptr<Ticket> submit(std::vector<Job> jobs);
  EngineFigures figures() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace limbeck::serve
