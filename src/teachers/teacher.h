// Who writes the samples that a student learns from: a local model, a served one or a recorded store. Whoever asks does
// not know which it has; open_teacher (teachers/open.h) makes one from what an option names.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/seeds.h"
#include "generate/generate.h"
#include "models/language_model.h"

namespace limbeck::teachers {

struct Question {
  std::string id;      // of the problem; a recorded store finds its samples by it
  std::string prompt;  // the text to continue
  int64_t num_samples = 1;
  int64_t first_sample = 0;  // samples 4..7 of a question are those of a call that asked for 0..7
  Seed seed{};               // sample i uses seed.derive(i), where the teacher can be seeded
};

class Teacher {
 public:
  virtual ~Teacher() = default;
  virtual std::string about() const = 0;  // one line for people: "the model in DIR"
  // Calls on_sample once for every sample of every question, on this thread, in any order; prompt_index counts the
  // questions. Which text is sample i does not depend on that order. A teacher that is not local gives no ids, and NaN
  // for a log_prob that it does not tell. Throws UserErrors before any work for questions it cannot answer.
  virtual void sample(std::span<const Question> questions, const generate::SamplingOptions& sampling,
                      const std::function<void(generate::Sample)>& on_sample) = 0;
  // What asking has cost so far, in a line for people; "" for a teacher that costs nothing but time.
  virtual std::string spent() const { return ""; }
  // The model itself, frozen, for what needs its logits; null where it is not on this machine.
  virtual const models::Pretrained* model() { return nullptr; }
};

}  // namespace limbeck::teachers
