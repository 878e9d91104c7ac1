// What writes data for a student. A recipe does not know where its teacher runs: a local model is one maker; a served
// model and a recorded store are others of the same type.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "generate/generate.h"

namespace limbeck::generate {

// As Prompt, in text: what every kind of teacher understands.
struct TextPrompt {
  std::string text;
  int64_t num_samples = 1, first_sample = 0;
  Seed seed{};
};

class Teacher {
 public:
  virtual ~Teacher() = default;
  virtual std::string name() const = 0;  // for manifests and reports
  // Continues each prompt; calls on_sample as each sample ends.
  virtual void generate(std::span<const TextPrompt> prompts, const SamplingOptions& sampling,
                        const std::function<void(Sample)>& on_sample) = 0;
  // log p of each token of each text given those before it, as generate::score.
  virtual std::vector<std::vector<float>> score(std::span<const std::vector<int32_t>> texts) = 0;
  virtual std::shared_ptr<const text::Tokenizer> tokenizer() const = 0;
};

// A model in this process, frozen already in batch.precision.
std::unique_ptr<Teacher> local_teacher(models::Pretrained model, const BatchOptions& batch, std::string name);

}  // namespace limbeck::generate
