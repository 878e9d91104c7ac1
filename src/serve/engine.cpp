#include "serve/engine.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/errors.h"
#include "generate/cached_plan.h"
#include "generate/growing_text.h"
#include "generate/kv_cache.h"
#include "generate/sampler.h"
#include "serve/beginnings.h"

namespace limbeck::serve {

using generate::Finish;
using generate::GrowingText;
using generate::KvPages;

constexpr int64_t kStepTokens = 512;  // of prompts, that are read in one step beside the tokens of sequences

// What a waiting request and the engine share.
struct Mailbox {
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::vector<Piece> pieces;
  std::string failure;
  std::atomic<bool> given_up = false;

  void put(Piece piece) {
    const std::lock_guard lock(mutex);
    pieces.push_back(std::move(piece));
    changed.notify_one();
  }
  void fail(const std::string& why) {
    const std::lock_guard lock(mutex);
    failure = why;
    changed.notify_one();
  }
};

class MailboxTicket final : public Ticket {
 public:
  explicit MailboxTicket(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}
  ~MailboxTicket() override { mailbox_->given_up = true; }
  std::vector<Piece> take(double seconds) override {
    std::unique_lock lock(mailbox_->mutex);
    mailbox_->changed.wait_for(lock, std::chrono::duration<double>(seconds),
                               [&] { return !mailbox_->pieces.empty() || !mailbox_->failure.empty(); });
    if (mailbox_->pieces.empty() && !mailbox_->failure.empty()) throw Error(mailbox_->failure);
    return std::exchange(mailbox_->pieces, {});
  }

 private:
  std::shared_ptr<Mailbox> mailbox_;
};

// A job with its place in the request.
struct Waiting {
  Job job;
  int64_t first_choice = 0;
  std::shared_ptr<Mailbox> mailbox;
};

// A job whose prompt is being read, or whose samples are being drawn.
struct Started {
  Waiting from;
  KvPages cache;                 // of the prompt
  int64_t end_of_beginning = 0;  // where the part ends that is read as a beginning of its own; 0: none
  int64_t reserved = 0;          // positions of the cache
  std::vector<Token> prompt;     // what was told of it so far
  bool is_read() const { return cache.length() == static_cast<int64_t>(from.job.ids.size()); }
};

struct Sequence {
  std::shared_ptr<Started> of;
  int64_t index = 0;  // of the sample
  KvPages own;        // positions after the prompt
  Seed seed;
  GrowingText text;
  std::optional<generate::SeenTokens> seen;  // with a penalty
  std::vector<int32_t> ids;
  std::vector<Token> untold;
};

struct Engine::State {
  State(const models::Pretrained& pretrained, const EngineOptions& engine_options)
      : source(pretrained),
        options(engine_options),
        model(*source.model),
        pool(generate::cache_shape(model.config(), options.precision)),
        beginnings(pool, options.cache_tokens / 4) {}

  const models::Pretrained source;
  const EngineOptions options;
  models::LanguageModel& model;

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::deque<Waiting> queue;
  bool stopping = false;
  EngineFigures figures;

  // Of the engine's thread.
  generate::KvPool pool;
  Beginnings beginnings;
  std::vector<std::shared_ptr<Started>> started;  // whose prompts are not read yet, in their order
  std::vector<Sequence> active;
  int64_t num_reserved = 0, num_reading_samples = 0;
  std::thread thread;

  void work() {
    if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
    at::NoGradGuard no_grad;
    while (wait_for_work()) {
      try {
        drop_given_up();
        admit();
        step();
      } catch (const std::exception& e) {
        fail_all(e.what());
      }
      note_figures();
    }
  }

  // Until there is something to do; false when it is time to end.
  bool wait_for_work() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stopping || !queue.empty() || !started.empty() || !active.empty(); });
    return !stopping;
  }

  void note_figures() {
    const std::lock_guard lock(mutex);
    figures.num_waiting = static_cast<int64_t>(queue.size());
    std::vector<const Started*> running;
    for (const auto& one : started) running.push_back(one.get());
    for (const auto& sequence : active) running.push_back(sequence.of.get());
    std::sort(running.begin(), running.end());
    figures.num_running = std::unique(running.begin(), running.end()) - running.begin();
  }

  // Positions that a job may come to hold; every sequence ends in a page of its own.
  static int64_t positions_of(const Job& job) {
    return static_cast<int64_t>(job.ids.size()) + kernels::kPositionsPerPage +
           job.num_samples * (job.sampling.max_new_tokens + kernels::kPositionsPerPage);
  }

  void drop_given_up() {
    for (Sequence& sequence : std::exchange(active, {}))
      if (!sequence.of->from.mailbox->given_up) active.push_back(std::move(sequence));
    std::erase_if(started, [&](const auto& one) {
      if (!one->from.mailbox->given_up) return false;
      num_reading_samples -= one->from.job.num_samples;
      return true;
    });
    const std::lock_guard lock(mutex);
    std::erase_if(queue, [](const Waiting& waiting) { return waiting.mailbox->given_up.load(); });
  }

  // Lets waiting jobs in while there are places and positions, in their order.
  void admit() {
    while (true) {
      std::optional<Waiting> next;
      Beginning beginning;
      {
        const std::lock_guard lock(mutex);
        if (queue.empty()) return;
        const Job& job = queue.front().job;
        const int64_t taken = static_cast<int64_t>(active.size()) + num_reading_samples;
        if (taken + job.num_samples > options.max_batch) return;
        if (num_reserved + positions_of(job) > options.cache_tokens) return;
        if (!job.tell_prompt) beginning = beginnings.find(job.ids);  // what is told has to be computed
        // One reads a new beginning, and those that share it wait for that.
        if (beginning.worth > 0 &&
            std::any_of(started.begin(), started.end(), [](const auto& one) { return one->end_of_beginning > 0; }))
          return;
        next = std::move(queue.front());
        queue.pop_front();
      }
      start(std::move(*next), std::move(beginning));
    }
  }

  void start(Waiting waiting, Beginning beginning) {
    const int64_t reserved = positions_of(waiting.job);
    num_reserved += reserved;
    num_reading_samples += waiting.job.num_samples;
    beginnings.note(waiting.job.ids);
    KvPages cache = beginning.pages ? KvPages(pool, beginning.pages) : KvPages(pool);
    // The positions are free again with the last sequence that holds the job.
    started.push_back(
        std::shared_ptr<Started>(new Started{.from = std::move(waiting),
                                             .cache = std::move(cache),
                                             .end_of_beginning = beginning.worth > 0 ? beginning.worth : 0,
                                             .reserved = reserved},
                                 [this](Started* one) {
                                   num_reserved -= one->reserved;
                                   delete one;
                                 }));
  }

  // One forward pass: a token of every sequence and a part of the prompts that are being read.
  void step() {
    std::vector<int64_t> ids;
    std::vector<generate::Advance> parts;
    for (Sequence& sequence : active) {
      ids.push_back(sequence.ids.back());
      parts.push_back({.own = &sequence.own, .prefix = &sequence.of->cache, .num_tokens = 1});
    }
    int64_t room = kStepTokens;
    std::vector<std::shared_ptr<Started>> reading;
    for (const auto& one : started) {
      const auto& prompt = one->from.job.ids;
      const int64_t done = one->cache.length();
      const int64_t end = one->end_of_beginning > 0 ? one->end_of_beginning : static_cast<int64_t>(prompt.size());
      const int64_t count = std::min(end - done, room);
      if (count <= 0) continue;
      ids.insert(ids.end(), prompt.begin() + done, prompt.begin() + done + count);
      parts.push_back({.own = &one->cache, .num_tokens = count});
      reading.push_back(one);
      room -= count;
    }
    if (parts.empty()) return;
    const int64_t num_sequences = static_cast<int64_t>(active.size());
    const at::Tensor all = forward(ids, parts);
    tell_prompts(all, num_sequences, reading, parts);
    const at::Tensor hidden = all.index_select(0, last_rows(parts));
    {
      const std::lock_guard lock(mutex);
      figures.num_read += kStepTokens - room;
    }
    draw(hidden, num_sequences, reading);
  }

  // Hidden states of all new tokens, [tokens,D].
  at::Tensor forward(const std::vector<int64_t>& ids, const std::vector<generate::Advance>& parts) {
    generate::CachedPlan plan(pool.shape(), parts);
    const at::Tensor tokens = at::empty({static_cast<int64_t>(ids.size())}, at::kLong);
    std::copy(ids.begin(), ids.end(), tokens.mutable_data_ptr<int64_t>());
    const at::Tensor hidden = model.forward(tokens, plan).hidden;
    plan.commit();
    return hidden;
  }

  // Row of each part's last new token, [parts].
  static at::Tensor last_rows(const std::vector<generate::Advance>& parts) {
    std::vector<int64_t> rows;
    int64_t end = 0;
    for (const auto& part : parts) rows.push_back((end += part.num_tokens) - 1);
    return at::tensor(rows, at::kLong);
  }

  // What the new rows of the prompts that want it say of their next tokens.
  void tell_prompts(const at::Tensor& hidden, int64_t num_sequences,
                    const std::vector<std::shared_ptr<Started>>& reading, const std::vector<generate::Advance>& parts) {
    constexpr int64_t kRows = 128;  // whose logits exist at once
    int64_t begin = num_sequences;  // a row for each sequence
    for (std::size_t i = 0; i < reading.size(); ++i) {
      const int64_t count = parts[static_cast<std::size_t>(num_sequences) + i].num_tokens;
      Started& one = *reading[i];
      const auto& ids = one.from.job.ids;
      // The prompt's last token predicts what is drawn.
      const int64_t first = one.cache.length() - count;
      const int64_t told = std::min(count, static_cast<int64_t>(ids.size()) - 1 - first);
      for (int64_t done = 0; one.from.job.tell_prompt && done < told; done += kRows) {
        const int64_t some = std::min(kRows, told - done);
        const at::Tensor logits = model.logits_of(hidden.narrow(0, begin + done, some)).contiguous();
        const int64_t vocab_size = logits.size(1);
        for (int64_t r = 0; r < some; ++r) {
          const float* row = logits.const_data_ptr<float>() + r * vocab_size;
          const int32_t id = ids[static_cast<std::size_t>(first + done + r + 1)];
          one.prompt.push_back({.id = id,
                                .log_prob = row[id] - kernels::log_sum_exp(row, vocab_size),
                                .top = generate::top_log_probs(row, vocab_size, one.from.job.top_log_probs)});
        }
      }
      begin += count;
    }
  }

  // Next tokens of the sequences, first tokens of the samples whose prompts are read now.
  void draw(const at::Tensor& hidden, int64_t num_sequences, const std::vector<std::shared_ptr<Started>>& reading) {
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < num_sequences; ++i) rows.push_back(i);
    std::vector<std::shared_ptr<Started>> read;
    for (std::size_t i = 0; i < reading.size(); ++i) {
      Started& one = *reading[i];
      if (one.end_of_beginning > 0 && one.cache.length() == one.end_of_beginning) {
        one.cache = KvPages(pool, beginnings.keep(one.from.job.ids, std::move(one.cache)));
        one.end_of_beginning = 0;
      } else if (one.is_read()) {
        rows.push_back(num_sequences + static_cast<int64_t>(i));
        read.push_back(reading[i]);
      }
    }
    if (rows.empty()) return;
    const at::Tensor chosen = hidden.index_select(0, at::tensor(rows, at::kLong));
    const at::Tensor logits = model.logits_of(chosen).contiguous();  // [rows,V]
    const int64_t vocab_size = logits.size(1);
    const float* row = logits.const_data_ptr<float>();
    std::vector<Sequence> sequences = std::exchange(active, {});
    std::vector<const float*> logits_of_each;
    for (std::size_t i = 0; i < sequences.size(); ++i)
      logits_of_each.push_back(row + static_cast<int64_t>(i) * vocab_size);
    for (std::size_t i = 0; i < read.size(); ++i)
      for (int64_t s = 0; s < read[i]->from.job.num_samples; ++s) {
        sequences.push_back(new_sequence(read[i], s));
        logits_of_each.push_back(row + (num_sequences + static_cast<int64_t>(i)) * vocab_size);
      }
    for (const auto& one : read) num_reading_samples -= one->from.job.num_samples;
    for (const auto& one : read)
      if (one->from.job.tell_prompt)
        one->from.mailbox->put({.choice = one->from.first_choice, .prompt = std::move(one->prompt)});
    std::erase_if(started, [](const auto& one) { return one->is_read(); });
    take(std::move(sequences), logits_of_each, vocab_size);
  }

  Sequence new_sequence(const std::shared_ptr<Started>& of, int64_t index) {
    const Job& job = of->from.job;
    Sequence sequence{.of = of,
                      .index = index,
                      .own = KvPages(pool),
                      .seed = job.seed.derive(static_cast<uint64_t>(index)),
                      .text = GrowingText(source.tokenizer, job.sampling.stop)};
    if (job.sampling.repetition_penalty != 1) {
      sequence.seen.emplace(model.config().vocab_size);
      for (const int32_t id : job.ids) sequence.seen->add(id);
    }
    return sequence;
  }

  void take(std::vector<Sequence> sequences, const std::vector<const float*>& logits, int64_t vocab_size) {
    std::vector<generate::DrawRequest> requests;
    std::vector<const generate::SamplingOptions*> rules;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const Sequence& sequence = sequences[i];
      requests.push_back({.logits = logits[i],
                          .seen = sequence.seen ? &*sequence.seen : nullptr,
                          .seed = sequence.seed,
                          .step = static_cast<int64_t>(sequence.ids.size())});
      rules.push_back(&sequence.of->from.job.sampling);
    }
    const auto draws = generate::draw_each(requests, vocab_size, rules);
    {
      const std::lock_guard lock(mutex);
      figures.num_drawn += static_cast<int64_t>(draws.size());
    }
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      if (sequences[i].of->from.job.sampling.max_new_tokens == 0)  // only the prompt was to be told
        sequences[i].of->from.mailbox->put(
            {.choice = sequences[i].of->from.first_choice + sequences[i].index, .finish = Finish::kLength});
      else if (goes_on(sequences[i], draws[i], logits[i], vocab_size))
        active.push_back(std::move(sequences[i]));
    }
  }

  // Tells what is new of the sequence; false when it has ended.
  bool goes_on(Sequence& sequence, const kernels::Draw& draw, const float* logits, int64_t vocab_size) {
    const Job& job = sequence.of->from.job;
    std::optional<Finish> finish;
    if (std::find(source.eos_ids.begin(), source.eos_ids.end(), draw.id) != source.eos_ids.end()) {
      finish = Finish::kEndOfText;
    } else {
      sequence.ids.push_back(draw.id);
      if (sequence.seen) sequence.seen->add(draw.id);
      if (job.top_log_probs >= 0)
        sequence.untold.push_back({.id = draw.id,
                                   .log_prob = draw.log_prob,
                                   .top = job.top_log_probs > 0
                                              ? generate::top_log_probs(logits, vocab_size, job.top_log_probs)
                                              : generate::TopLogProbs{}});
      if (sequence.text.add(draw.id)) {
        finish = Finish::kStop;
      } else if (static_cast<int64_t>(sequence.ids.size()) == job.sampling.max_new_tokens) {
        finish = Finish::kLength;
      }
    }
    const auto num_drawn = static_cast<int64_t>(sequence.ids.size()) + (finish == Finish::kEndOfText ? 1 : 0);
    if (finish) sequence.text.finish();
    if (finish && sequence.text.stopped()) finish = Finish::kStop;
    Piece piece{.choice = sequence.of->from.first_choice + sequence.index,
                .text = sequence.text.take(),
                .tokens = std::exchange(sequence.untold, {}),
                .finish = finish,
                .num_drawn = num_drawn,
                .num_kept = sequence.text.num_tokens()};
    if (finish || !piece.text.empty() || !piece.tokens.empty()) sequence.of->from.mailbox->put(std::move(piece));
    return !finish;
  }

  // The request that did it is not known: all that are under way end.
  void fail_all(const std::string& why) {
    for (const auto& one : started) one->from.mailbox->fail(why);
    for (const auto& sequence : active) sequence.of->from.mailbox->fail(why);
    started.clear();
    active.clear();
    num_reading_samples = 0;
  }

  void check(const Job& job) const {
    const auto& config = model.config();
    const auto size = static_cast<int64_t>(job.ids.size());
    if (size == 0) user_fail("prompt", "expected at least one token but received none");
    if (job.sampling.max_new_tokens < (job.tell_prompt ? 0 : 1))
      user_fail("max_tokens", "expected at least 1 but received {}", job.sampling.max_new_tokens);
    for (const int32_t id : job.ids)
      if (id < 0 || id >= config.vocab_size)
        user_fail("prompt", "expected tokens from 0 to {} but received {}", config.vocab_size - 1, id);
    if (size + job.sampling.max_new_tokens > config.max_position_embeddings)
      user_fail("prompt", "expected at most {} tokens (the context of {} less max_tokens {}) but received {}",
                std::max<int64_t>(0, config.max_position_embeddings - job.sampling.max_new_tokens),
                config.max_position_embeddings, job.sampling.max_new_tokens, size);
    if (job.num_samples < 1 || job.num_samples > options.max_batch)
      user_fail("n", "expected 1 to {} samples (the batch) but received {}", options.max_batch, job.num_samples);
    if (positions_of(job) > options.cache_tokens)
      user_fail("prompt", "the request could need {} positions, and the server keeps {}; ask for less n or max_tokens",
                positions_of(job), options.cache_tokens);
  }
};

Engine::Engine(const models::Pretrained& source, const EngineOptions& options)
    : state_(std::make_unique<State>(source, options)) {
  state_->thread = std::thread([state = state_.get()] { state->work(); });
}

Engine::~Engine() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->changed.notify_all();
  }
  state_->thread.join();
  state_->fail_all("the server stops");
  for (const Waiting& waiting : state_->queue) waiting.mailbox->fail("the server stops");
}

std::unique_ptr<Ticket> Engine::submit(std::vector<Job> jobs) {
  for (const Job& job : jobs) state_->check(job);
  auto mailbox = std::make_shared<Mailbox>();
  const std::lock_guard lock(state_->mutex);
  if (static_cast<int64_t>(state_->queue.size() + jobs.size()) > state_->options.max_queue) return nullptr;
  int64_t first_choice = 0;
  for (Job& job : jobs) {
    const int64_t count = job.num_samples;
    state_->queue.push_back({.job = std::move(job), .first_choice = first_choice, .mailbox = mailbox});
    first_choice += count;
  }
  state_->figures.num_waiting = static_cast<int64_t>(state_->queue.size());
  state_->changed.notify_all();
  return std::make_unique<MailboxTicket>(std::move(mailbox));
}

EngineFigures Engine::figures() const {
  const std::lock_guard lock(state_->mutex);
  return state_->figures;
}

}  // namespace limbeck::serve
