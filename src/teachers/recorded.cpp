#include "teachers/recorded.h"

#include <limits>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/json.h"
#include "base/printable.h"
#include "teachers/answer_store.h"

namespace limbeck::teachers {
namespace {

struct Recorded {
  std::string text;
  generate::Finish finish = generate::Finish::kEndOfText;
};

constexpr int64_t kLargestIndex = int64_t{1} << 53;  // so that the one after it is a number still

// The samples of one question by their index. A line without an index is the next after the largest so far.
using OfQuestion = std::map<int64_t, Recorded>;

void add_sample(OfQuestion& of_question, int64_t index, Recorded recorded, const std::string& id,
                const std::string& where) {
  if (index < 0 || index > kLargestIndex)
    user_fail(where, "field 'sample': expected 0 to {} but received {}", kLargestIndex, index);
  const auto [there, is_new] = of_question.try_emplace(index, recorded);
  if (!is_new && there->second.text != recorded.text)
    user_fail(where, "sample {} of '{}' stands in this file before, with another text", index, printable(id));
}

void add_row(std::unordered_map<std::string, OfQuestion>& samples, const Json& row, const std::string& where) {
  if (row.contains("answers_of") || row.contains("asked") || row.contains("failed")) return;
  const auto id = field<std::string>(row, "id", where);
  OfQuestion& of_question = samples[id];
  if (row.contains("choices")) {
    const auto first = field<int64_t>(row, "first", where);
    if (first < 0 || first > kLargestIndex)
      user_fail(where, "field 'first': expected 0 to {} but received {}", kLargestIndex, first);
    const Answer answer = answer_of_row(row, where);
    for (std::size_t i = 0; i < answer.choices.size(); ++i)
      add_sample(of_question, first + static_cast<int64_t>(i), {answer.choices[i].text, answer.choices[i].finish}, id,
                 where);
    return;
  }
  Recorded recorded{.text = field<std::string>(row, "text", where)};
  if (row.contains("finish")) recorded.finish = finish_of(field<std::string>(row, "finish", where), where);
  int64_t index = of_question.empty() ? 0 : of_question.rbegin()->first + 1;
  if (row.contains("sample")) index = field<int64_t>(row, "sample", where);
  add_sample(of_question, index, std::move(recorded), id, where);
}

class RecordedTeacher final : public Teacher {
 public:
  RecordedTeacher(const std::filesystem::path& file, Missing missing) : file_(file), missing_(missing) {
    std::vector<std::string> mistakes;
    read_jsonl(file, [&](const Json& row, int64_t line) {
      try {
        add_row(samples_, row, fmt::format("{}:{}", file.string(), line));
      } catch (const UserError& mistake) {
        mistakes.emplace_back(mistake.what());
      }
    });
    if (!mistakes.empty()) throw UserErrors(std::move(mistakes));
    if (samples_.empty()) user_fail(file.string(), "expected recorded samples but received an empty file");
  }

  std::string about() const override { return "the samples recorded in " + file_.string(); }

  void sample(std::span<const Question> questions, const generate::SamplingOptions&,
              const std::function<void(generate::Sample)>& on_sample) override {
    if (missing_ == Missing::kRefuse) check(questions);
    for (std::size_t q = 0; q < questions.size(); ++q)
      for (int64_t i = 0; i < questions[q].num_samples; ++i) {
        const int64_t index = questions[q].first_sample + i;
        const Recorded* found = find(questions[q].id, index);
        on_sample({.prompt_index = static_cast<int64_t>(q),
                   .sample_index = index,
                   .text = found != nullptr ? found->text : "",
                   .finish = found != nullptr ? found->finish : generate::Finish::kEndOfText,
                   .log_prob = std::numeric_limits<double>::quiet_NaN()});
      }
  }

 private:
  const Recorded* find(const std::string& id, int64_t index) const {
    const auto of_question = samples_.find(id);
    if (of_question == samples_.end()) return nullptr;
    const auto found = of_question->second.find(index);
    return found == of_question->second.end() ? nullptr : &found->second;
  }

  void check(std::span<const Question> questions) const {
    std::vector<std::string> mistakes;
    for (const Question& question : questions) {
      int64_t num_there = 0;
      for (int64_t i = 0; i < question.num_samples; ++i)
        num_there += find(question.id, question.first_sample + i) != nullptr ? 1 : 0;
      if (num_there < question.num_samples)
        mistakes.push_back(fmt::format("[{}] expected {} samples of '{}' but found {}", file_.string(),
                                       question.num_samples, printable(question.id), num_there));
    }
    constexpr std::size_t kShown = 10;
    if (mistakes.size() > kShown) {
      const std::size_t more = mistakes.size() - kShown;
      mistakes.resize(kShown);
      mistakes.push_back(fmt::format("[{}] … and {} questions more", file_.string(), more));
    }
    if (!mistakes.empty()) throw UserErrors(std::move(mistakes));
  }

  std::filesystem::path file_;
  Missing missing_;
  std::unordered_map<std::string, OfQuestion> samples_;
};

}  // namespace

std::unique_ptr<Teacher> recorded_teacher(const std::filesystem::path& file, Missing missing) {
  return std::make_unique<RecordedTeacher>(file, missing);
}

}  // namespace limbeck::teachers
