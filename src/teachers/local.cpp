#include "teachers/local.h"

#include <utility>
#include <vector>

#include "base/phases.h"
#include "teachers/prompt.h"

namespace limbeck::teachers {
namespace {

std::vector<generate::Prompt> prompts_of(std::span<const Question> questions, const text::Tokenizer& tokenizer) {
  const Phase phase("tokenise", "data");
  std::vector<generate::Prompt> prompts;
  for (const Question& question : questions)
    prompts.push_back({.ids = encode_prompt(tokenizer, question.prompt),
                       .num_samples = question.num_samples,
                       .first_sample = question.first_sample,
                       .seed = question.seed});
  return prompts;
}

class LocalTeacher final : public Teacher {
 public:
  LocalTeacher(std::string about, std::function<const models::Pretrained&()> source,
               const generate::BatchOptions& batch)
      : about_(std::move(about)), source_(std::move(source)), batch_(batch) {}

  std::string about() const override { return about_; }

  void sample(std::span<const Question> questions, const generate::SamplingOptions& sampling,
              const std::function<void(generate::Sample)>& on_sample) override {
    const models::Pretrained& source = source_();
    generate::generate(source, prompts_of(questions, *source.tokenizer), sampling, batch_, on_sample);
  }

  const models::Pretrained* model() override { return &source_(); }

 private:
  std::string about_;
  std::function<const models::Pretrained&()> source_;
  generate::BatchOptions batch_;
};

}  // namespace

std::unique_ptr<Teacher> local_teacher(std::string about, std::function<const models::Pretrained&()> source,
                                       const generate::BatchOptions& batch) {
  return std::make_unique<LocalTeacher>(std::move(about), std::move(source), batch);
}

}  // namespace limbeck::teachers
