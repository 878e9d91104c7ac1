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
#include "generate/kv_cache.h"
#include "generate/sampler.h"
#include "serve/beginnings.h"
#include "serve/job_limits.h"
#include "serve/mailbox.h"
#include "serve/reading.h"
#include "serve/sequence.h"

namespace limbeck::serve {

using generate::Finish;
using generate::KvPages;

constexpr int64_t kStepTokens = 512;  // of prompts, that are read in one step beside the tokens of sequences

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

  void drop_given_up() {
    for (Sequence& sequence : std::exchange(active, {}))
      if (!sequence.of->from.mailbox->is_given_up()) active.push_back(std::move(sequence));
    std::erase_if(started, [&](const auto& one) {
      if (!one->from.mailbox->is_given_up()) return false;
      num_reading_samples -= one->from.job.num_samples;
      return true;
    });
    const std::lock_guard lock(mutex);
    std::erase_if(queue, [](const Waiting& waiting) { return waiting.mailbox->is_given_up(); });
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
      const int64_t done = one->cache.length(), count = one->num_next(room);
      if (count <= 0) continue;
      ids.insert(ids.end(), prompt.begin() + done, prompt.begin() + done + count);
      parts.push_back({.own = &one->cache, .num_tokens = count});
      reading.push_back(one);
      room -= count;
    }
    if (parts.empty()) return;
    const int64_t num_sequences = static_cast<int64_t>(active.size());
    const at::Tensor all = forward(ids, parts);
    int64_t begin = num_sequences;  // a row for each sequence
    for (std::size_t i = 0; i < reading.size(); ++i) {
      const int64_t count = parts[static_cast<std::size_t>(num_sequences) + i].num_tokens;
      tell_prompt(*reading[i], model, all.narrow(0, begin, count));
      begin += count;
    }
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
        sequences.push_back(new_sequence(read[i], s, pool, source));
        logits_of_each.push_back(row + (num_sequences + static_cast<int64_t>(i)) * vocab_size);
      }
    for (const auto& one : read) num_reading_samples -= one->from.job.num_samples;
    for (const auto& one : read)
      if (one->from.job.tell_prompt)
        one->from.mailbox->put({.choice = one->from.first_choice, .prompt = std::move(one->prompt)});
    std::erase_if(started, [](const auto& one) { return one->is_read(); });
    take(std::move(sequences), logits_of_each, vocab_size);
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
      rules.push_back(&sequence.job().sampling);
    }
    const auto draws = generate::draw_each(requests, vocab_size, rules);
    {
      const std::lock_guard lock(mutex);
      figures.num_drawn += static_cast<int64_t>(draws.size());
    }
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      if (sequences[i].job().sampling.max_new_tokens == 0)  // only the prompt was to be told
        sequences[i].of->from.mailbox->put({.choice = sequences[i].choice(), .finish = Finish::kLength});
      else if (goes_on(sequences[i], draws[i], logits[i], source))
        active.push_back(std::move(sequences[i]));
    }
  }

  // The request that did it is not known: all that are under way end.
  void fail_all(const std::string& why) {
    for (const auto& one : started) one->from.mailbox->fail(why);
    for (const auto& sequence : active) sequence.of->from.mailbox->fail(why);
    started.clear();
    active.clear();
    num_reading_samples = 0;
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
  for (const Job& job : jobs) check_job(job, state_->model.config(), state_->options);
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
  return ticket_of(std::move(mailbox));
}

EngineFigures Engine::figures() const {
  const std::lock_guard lock(state_->mutex);
  return state_->figures;
}

}  // namespace limbeck::serve
