#include "teachers/served.h"

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "teachers/answer_store.h"

namespace limbeck::teachers {
namespace {

// More tokens than a prompt has bytes: what a chat template and its own system message add.
constexpr int64_t kPromptMargin = 512;

// Some samples of one question, asked for at once.
struct Job {
  int64_t question = 0, first_sample = 0, num_samples = 0;
  std::string key, body;
};

class ServedTeacher final : public Teacher {
 public:
  ServedTeacher(ServedOptions options, const std::filesystem::path& answers)
      : options_(std::move(options)),
        client_(options_.server),
        store_(options_.answers.empty() ? answers : std::filesystem::path(options_.answers), whose()),
        budget_(options_.cap, options_.price, store_.spent()) {}

  std::string about() const override {
    const auto& urls = client_.urls();
    return fmt::format("{} served at {}{}", options_.dialect.model, urls.front().text,
                       urls.size() > 1 ? fmt::format(" and {} more", urls.size() - 1) : "");
  }

  std::string spent() const override {
    const Tokens& tokens = budget_.spent();
    return fmt::format("{} requests sent, {} answers stored, {} prompt + {} completion tokens, cost {:.4f}{}",
                       client_.num_sent(), store_.num_answers(), tokens.prompt, tokens.completion, budget_.cost(),
                       num_doubtful_ > 0
                           ? fmt::format(" ({} answers counted at their worst: the server's count of their "
                                         "tokens cannot be)",
                                         num_doubtful_)
                           : "");
  }

  void sample(std::span<const Question> questions, const generate::SamplingOptions& sampling,
              const std::function<void(generate::Sample)>& on_sample) override;

 private:
  friend class Asking;
  // What the answers depend on beside the request.
  Json whose() const {
    return {
        {"model", options_.dialect.model}, {"api", path_of(options_.dialect.api)}, {"system", options_.dialect.system}};
  }

  ServedOptions options_;
  net::JsonClient client_;
  AnswerStore store_;
  Budget budget_;
  int64_t num_doubtful_ = 0;
  bool extensions_noted_ = false;  // that they are not sent
};

// One call of sample().
class Asking {
 public:
  Asking(ServedTeacher& teacher, std::span<const Question> questions, const generate::SamplingOptions& sampling,
         const std::function<void(generate::Sample)>& on_sample)
      : teacher_(teacher), questions_(questions), sampling_(sampling), on_sample_(on_sample) {}

  void run() {
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      const Question& question = questions_[q];
      const int64_t at_once =
          teacher_.options_.samples_per_request > 0 ? teacher_.options_.samples_per_request : question.num_samples;
      for (int64_t i = 0; i < question.num_samples; i += at_once)
        begin({.question = static_cast<int64_t>(q),
               .first_sample = question.first_sample + i,
               .num_samples = std::min(at_once, question.num_samples - i)});
    }
    teacher_.client_.run(
        {.next = [this] { return next(); },
         .may_send = [this](const net::Request& request) { return may_send(request); },
         .received = [this](const net::Request& request, const std::string& body) { return received(request, body); },
         .failed = [this](const net::Request& request, bool may_have_worked) { failed(request, may_have_worked); }},
        "what the teacher answered so far is stored; run the same command again");
    teacher_.store_.sync();
    if (!to_ask_.empty() || !asked_.empty()) throw_cap_reached();
  }

 private:
  // Hands out what is stored; the rest is to be asked.
  void begin(Job job) {
    const Question& question = questions_[static_cast<std::size_t>(job.question)];
    const auto seed = static_cast<int64_t>(question.seed.derive(static_cast<uint64_t>(job.first_sample)).value() >> 33);
    const Json body = request_body(teacher_.options_.dialect, question.prompt, sampling_, job.num_samples, seed);
    job.body = to_line(body);
    job.key = sha256(to_line({{"path", path_of(teacher_.options_.dialect.api)},
                              {"body", body},
                              {"id", question.id},
                              {"seed", seed},
                              {"first", job.first_sample}}))
                  .substr(0, 32);
    if (const auto answer = teacher_.store_.find(job.key)) {
      hand_out(job, *answer);
    } else if (const auto twin = twins_.find(job.key); twin != twins_.end()) {
      twin->second.push_back(std::move(job));  // the same question is asked already
    } else {
      twins_.try_emplace(job.key);
      to_ask_.push_back(std::move(job));
    }
  }

  // The samples of an answer, and what it left out becomes a job of its own.
  void hand_out(const Job& job, const Answer& answer) {
    const auto count = static_cast<int64_t>(answer.choices.size());
    for (int64_t i = 0; i < std::min(count, job.num_samples); ++i) {
      const Choice choice = cut_at_stop(answer.choices[static_cast<std::size_t>(i)], sampling_.stop);
      on_sample_({.prompt_index = job.question,
                  .sample_index = job.first_sample + i,
                  .text = choice.text,
                  .finish = choice.finish,
                  .log_prob = choice.log_prob});
    }
    if (count < job.num_samples)
      begin(
          {.question = job.question, .first_sample = job.first_sample + count, .num_samples = job.num_samples - count});
  }

  std::optional<net::Request> next() {
    if (to_ask_.empty()) return std::nullopt;
    const int64_t tag = next_tag_++;
    Job job = std::move(to_ask_.front());
    to_ask_.pop_front();
    net::Request request{.tag = tag, .path = path_of(teacher_.options_.dialect.api), .body = job.body};
    asked_.emplace(tag, std::move(job));
    return request;
  }

  // A token has at least a byte of the text it stands for; JSON's escapes only make that longer.
  Tokens worst(const Job& job) const {
    return {.prompt = static_cast<int64_t>(job.body.size()) + kPromptMargin,
            .completion = job.num_samples * sampling_.max_new_tokens};
  }

  bool may_send(const net::Request& request) {
    const Job& job = asked_.at(request.tag);
    if (!teacher_.budget_.reserve(worst(job))) return false;
    teacher_.store_.asked(job.key, worst(job));
    return true;
  }

  std::string received(const net::Request& request, const std::string& body) {
    const Job& job = asked_.at(request.tag);
    Answer answer;
    try {
      answer = read_answer(teacher_.options_.dialect.api, body, job.num_samples);
    } catch (const std::exception& wrong) {
      return wrong.what();
    }
    const Tokens most = worst(job);
    Tokens charged = {.prompt = answer.prompt_tokens.value_or(most.prompt),
                      .completion = answer.completion_tokens.value_or(most.completion)};
    if (!answer.prompt_tokens || !answer.completion_tokens || charged.prompt > most.prompt ||
        charged.completion > most.completion) {
      charged = most;
      ++teacher_.num_doubtful_;
    }
    teacher_.store_.answered(job.key, questions_[static_cast<std::size_t>(job.question)].id, job.first_sample, answer,
                             charged);
    teacher_.budget_.settle(most, charged);
    const Job done = std::move(asked_.extract(request.tag).mapped());
    std::vector<Job> twins = std::move(twins_.extract(done.key).mapped());
    hand_out(done, answer);
    for (const Job& twin : twins) hand_out(twin, answer);
    return "";
  }

  void failed(const net::Request& request, bool may_have_worked) {
    const Job& job = asked_.at(request.tag);
    const Tokens charged = may_have_worked ? worst(job) : Tokens{};
    teacher_.store_.failed(job.key, charged);
    teacher_.budget_.settle(worst(job), charged);
  }

  [[noreturn]] void throw_cap_reached() const {
    const Job& blocked = asked_.empty() ? to_ask_.front() : asked_.begin()->second;
    const Cap& cap = teacher_.options_.cap;
    std::string caps;
    if (cap.tokens > 0) caps += fmt::format("{} tokens", cap.tokens);
    if (cap.cost > 0) caps += fmt::format("{}a cost of {}", caps.empty() ? "" : " and ", cap.cost);
    user_fail(
        "teacher",
        "the cap of {} is reached: {} tokens are spent (cost {:.4f}), and the next request could take {} more; {} "
        "requests are left. Raise it and run the same command again: what was answered is stored",
        caps, teacher_.budget_.spent().total(), teacher_.budget_.cost(), worst(blocked).total(),
        to_ask_.size() + asked_.size());
  }

  ServedTeacher& teacher_;
  std::span<const Question> questions_;
  const generate::SamplingOptions& sampling_;
  const std::function<void(generate::Sample)>& on_sample_;
  std::deque<Job> to_ask_;
  std::unordered_map<int64_t, Job> asked_;  // by tag
  // Jobs with the key of one that is to be asked or under way: they take its answer.
  std::unordered_map<std::string, std::vector<Job>> twins_;
  int64_t next_tag_ = 0;
};

void ServedTeacher::sample(std::span<const Question> questions, const generate::SamplingOptions& sampling,
                           const std::function<void(generate::Sample)>& on_sample) {
  if (!options_.dialect.extensions && (sampling.top_k > 0 || sampling.min_p > 0 || sampling.repetition_penalty != 1) &&
      !std::exchange(extensions_noted_, true))
    fmt::print(stderr,
               "note: {}: top_k, min_p and repetition_penalty are not part of OpenAI's interface and were not sent; "
               "extensions = true sends them\n",
               about());
  Asking(*this, questions, sampling, on_sample).run();
}

}  // namespace

void ServedOptions::describe(Fields& f) {
  f("model", dialect.model, "the model's name, as the server knows it");
  f("api", dialect.api, "completions continues the prompt; chat makes it the user's message",
    {{"completions", Api::kCompletions}, {"chat", Api::kChat}});
  f("system", dialect.system, "system message of a chat; empty: none");
  f("seeded", dialect.seeded, "send a seed with each request");
  f("log_probs", dialect.log_probs, "ask for log-probabilities too");
  f("extensions", dialect.extensions,
    "send top_k, min_p and repetition_penalty (vLLM and llama.cpp take them, OpenAI does not)");
  f("token_limit", dialect.token_limit, "the name under which the longest answer is sent",
    {{"max_tokens", TokenLimit::kMaxTokens}, {"max_completion_tokens", TokenLimit::kMaxCompletionTokens}});
  f("samples_per_request", samples_per_request, "samples of a question that are asked for at once (n); 0: all of them",
    at_least(0));
  f("answers", answers, "file where the answers are stored; empty: answers.jsonl in the run's folder");
  f.group("server", server);
  f.group("price", price);
  f.group("cap", cap);
  f.check([this]() -> std::optional<std::string> {
    if (dialect.model.empty()) return "model: expected the name of a model but received none";
    if (cap.cost > 0 && price.prompt == 0 && price.completion == 0)
      return "cap.cost: needs the prices (price.prompt, price.completion)";
    return std::nullopt;
  });
}

ServedOptions read_served(const std::filesystem::path& toml) {
  ServedOptions options;
  Fields fields = fields_of(options);
  read_options(fields, toml.string(), {});
  return options;
}

std::unique_ptr<Teacher> served_teacher(const ServedOptions& options, const std::filesystem::path& answers) {
  return std::make_unique<ServedTeacher>(options, answers);
}

}  // namespace limbeck::teachers
