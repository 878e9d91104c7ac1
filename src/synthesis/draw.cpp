#include "synthesis/draw.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "base/errors.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "teachers/local.h"

namespace limbeck::synthesis {
namespace {

// Judges and writes finished problems on a thread of its own, in the order of the problems, while the model draws on.
class Writer {
 public:
  // num_written: lines that an earlier process left in the file. A problem whose last samples are missing is pushed
  // again, but its first lines are not written again.
  Writer(const Draw& draw, sandbox::Judge& judge, const std::filesystem::path& file, std::size_t num_written)
      : draw_(draw),
        judge_(judge),
        lines_(file),
        num_written_(num_written),
        next_(static_cast<int64_t>(num_written) / draw.num_samples) {
    thread_ = std::thread([this] { work(); });
  }
  ~Writer() { close(); }

  // The samples of one problem. Throws what the writing thread threw.
  void push(int64_t problem_index, std::vector<JudgedSample> samples) {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    waiting_.emplace(problem_index, std::move(samples));
    changed_.notify_all();
  }

  // Waits until everything that was pushed is written.
  void finish() {
    close();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  using Ready = std::vector<std::vector<JudgedSample>>;  // of the problems next_, next_ + 1, …

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

  void work() {
    try {
      for (Ready ready = wait(); !ready.empty(); ready = wait()) judge_and_write(std::move(ready));
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
  }

  // What can be written now; empty when nothing more will come.
  Ready wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || waiting_.contains(next_); });
    Ready ready;
    for (int64_t p = next_; waiting_.contains(p); ++p) ready.push_back(std::move(waiting_.extract(p).mapped()));
    return ready;
  }

  void judge_and_write(Ready ready) {
    std::vector<sandbox::Program> programs;
    for (std::size_t i = 0; i < ready.size(); ++i)
      for (const auto& sample : ready[i])
        programs.push_back({sample.program, draw_.problems[static_cast<std::size_t>(next_) + i].answer,
                            draw_.problems[static_cast<std::size_t>(next_) + i].answer_text});
    auto verdicts = judge_.judge(programs);
    auto verdict = verdicts.begin();
    for (auto& samples : ready) {
      for (auto& sample : samples) sample.verdict = std::move(*verdict++);
      draw_.decide(draw_.problems[static_cast<std::size_t>(next_)], samples);
      const std::size_t first_line = static_cast<std::size_t>(next_ * draw_.num_samples);
      for (std::size_t i = 0; i < samples.size(); ++i)
        if (first_line + i >= num_written_) lines_.append(to_line(to_row(samples[i])));
      const std::lock_guard lock(mutex_);
      ++next_;
    }
    lines_.sync();
  }

  const Draw& draw_;
  sandbox::Judge& judge_;
  LineAppender lines_;
  const std::size_t num_written_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  int64_t next_;  // the problem that is written next
  std::map<int64_t, std::vector<JudgedSample>> waiting_;
  bool closed_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

// What an earlier process wrote; a file that does not fit the problems is another run's.
std::vector<JudgedSample> read_earlier(const Draw& draw, const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return {};
  LineAppender{file};  // cuts off a torn last line
  std::vector<JudgedSample> samples = read_samples(file);
  if (samples.size() > draw.problems.size() * static_cast<std::size_t>(draw.num_samples))
    fail(file.string(), "expected at most {} samples but received {}; is this the file of another run?",
         draw.problems.size() * static_cast<std::size_t>(draw.num_samples), samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto& id = draw.problems[i / static_cast<std::size_t>(draw.num_samples)].id;
    const auto index = static_cast<int64_t>(i) % draw.num_samples;
    if (samples[i].id != id || samples[i].sample != index)
      fail(file.string(),
           "line {}: expected sample {} of problem '{}' but received sample {} of '{}'; is this the file of another "
           "run?",
           i + 1, index, id, samples[i].sample, samples[i].id);
  }
  return samples;
}

// Text as it will be read back: bytes that are not UTF-8 become U+FFFD before the program is run.
std::string as_stored(const std::string& text) {
  return Json::parse(to_line(Json(text))).get<std::string>();
}

JudgedSample drawn_sample(const Draw& draw, const std::string& id, const generate::Sample& sample) {
  const std::string text = as_stored(sample.text);
  return {.id = id,
          .sample = sample.sample_index,
          .program = program_of(text, draw.truncation, {"<|endoftext|>", "<|im_end|>", "</s>"}),
          .text = text,
          .finish = sample.finish};
}

}  // namespace

std::vector<JudgedSample> draw_samples(const Draw& draw, const std::function<const models::Pretrained&()>& source,
                                       sandbox::Judge& judge, const std::filesystem::path& file) {
  const auto teacher = teachers::local_teacher("a model", source, draw.batch);
  return draw_samples(
      draw, [&]() -> teachers::Teacher& { return *teacher; }, judge, file);
}

std::vector<JudgedSample> draw_samples(const Draw& draw, const std::function<teachers::Teacher&()>& source,
                                       sandbox::Judge& judge, const std::filesystem::path& file) {
  std::vector<JudgedSample> earlier = read_earlier(draw, file);
  const auto num_problems = static_cast<int64_t>(draw.problems.size());
  const int64_t first_new = static_cast<int64_t>(earlier.size()) / draw.num_samples;
  for (int64_t p = 0; p < first_new; ++p)
    draw.decide(draw.problems[static_cast<std::size_t>(p)],
                std::span(earlier).subspan(static_cast<std::size_t>(p * draw.num_samples),
                                           static_cast<std::size_t>(draw.num_samples)));
  if (first_new == num_problems) return earlier;

  int64_t num_drawn = first_new * draw.num_samples;
  Progress progress(draw.label, "samples", num_problems * draw.num_samples, num_drawn);
  Writer writer(draw, judge, file, earlier.size());
  teachers::Teacher& teacher = source();
  std::vector<teachers::Question> questions;
  for (int64_t p = first_new; p < num_problems; ++p) {
    const Problem& problem = draw.problems[static_cast<std::size_t>(p)];
    questions.push_back({.id = problem.id,
                         .prompt = draw.prompt(problem),
                         .num_samples = draw.num_samples,
                         .seed = draw.seed.derive(problem.id)});
  }
  std::vector<std::vector<JudgedSample>> drawn(questions.size());
  std::vector<int64_t> missing(questions.size(), draw.num_samples);
  const auto on_sample = [&](const generate::Sample& sample) {
    progress.set(++num_drawn);
    const auto p = static_cast<std::size_t>(sample.prompt_index);
    const int64_t problem_index = first_new + sample.prompt_index;
    drawn[p].resize(static_cast<std::size_t>(draw.num_samples));
    drawn[p][static_cast<std::size_t>(sample.sample_index)] =
        drawn_sample(draw, draw.problems[static_cast<std::size_t>(problem_index)].id, sample);
    if (--missing[p] == 0) writer.push(problem_index, std::move(drawn[p]));
  };
  try {
    teacher.sample(questions, draw.sampling, on_sample);
  } catch (const Interrupted& interrupted) {
    writer.finish();
    throw Interrupted(interrupted.signal(), "the samples so far are saved; run the same command again to go on");
  }
  writer.finish();
  progress.finish();
  if (const std::string spent = teacher.spent(); !spent.empty()) fmt::print(stderr, "{}: {}\n", teacher.about(), spent);
  return read_samples(file);
}

}  // namespace limbeck::synthesis
