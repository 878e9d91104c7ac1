#include "generate/teacher.h"

#include <utility>
#include <vector>

namespace limbeck::generate {
namespace {

class LocalTeacher final : public Teacher {
 public:
  LocalTeacher(models::Pretrained model, const BatchOptions& batch, std::string name)
      : model_(std::move(model)), batch_(batch), name_(std::move(name)) {}

  std::string name() const override { return name_; }

  void generate(std::span<const TextPrompt> prompts, const SamplingOptions& sampling,
                const std::function<void(Sample)>& on_sample) override {
    std::vector<Prompt> encoded;
    for (const TextPrompt& prompt : prompts)
      encoded.push_back({.ids = model_.tokenizer->encode(prompt.text),
                         .num_samples = prompt.num_samples,
                         .first_sample = prompt.first_sample,
                         .seed = prompt.seed});
    generate::generate(model_, encoded, sampling, batch_, on_sample);
  }

  std::vector<std::vector<float>> score(std::span<const std::vector<int32_t>> texts) override {
    return generate::score(*model_.model, texts);
  }

  std::shared_ptr<const text::Tokenizer> tokenizer() const override { return model_.tokenizer; }

 private:
  models::Pretrained model_;
  BatchOptions batch_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Teacher> local_teacher(models::Pretrained model, const BatchOptions& batch, std::string name) {
  return std::make_unique<LocalTeacher>(std::move(model), batch, std::move(name));
}

}  // namespace limbeck::generate
