// Masked language modelling: what pretraining and the distillers that work on plain text share. Texts are read, cut and
// held out once; masks are drawn anew at each step, those of the held-out texts once for all models; the loss computes
// the hidden tokens alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/seeds.h"
#include "data/corpus.h"
#include "data/masking.h"
#include "data/order.h"
#include "data/text_pieces.h"
#include "models/encoder.h"
#include "objectives/chunks.h"
#include "train/fit.h"

namespace limbeck::recipes {

struct MaskedLmDataOptions {
  std::vector<std::string> texts, dev_texts;
  std::string field = "text";
  data::InvalidUtf8 invalid = data::InvalidUtf8::kRefuse;
  double dev_share = 0.05;
  data::TextPieceOptions text;
  data::MaskingOptions masking;
  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const;
};

struct MaskedLmData {
  data::TextPieces train, dev;
  std::optional<data::Masker> masker;
  struct FixedBatch {
    data::Batch batch;
    data::MaskedBatch masked;
  };
  std::vector<FixedBatch> fixed;  // the held-out texts with masks that are the same for every model and run
};

// Reads, tokenises, and says what it read. What is held out depends on the texts alone.
MaskedLmData open_masked_lm(const MaskedLmDataOptions& options, const text::Tokenizer& tokenizer, int64_t context);

// Knows the step: its masks, and the dropout that a forward pass draws.
class MaskedLmHooks : public train::Hooks {
 public:
  MaskedLmHooks(const MaskedLmData& data, const train::Options& options, Seed seed);
  void before_step(int64_t step) override;
  const data::StepMasks& masks() const { return masks_; }
  uint64_t salt() const;  // of dropout, which a text draws by its own tokens

 private:
  const MaskedLmData& data_;
  data::Order order_;  // as train::fit has it
  Seed seed_;
  int64_t step_ = 0;
  data::StepMasks masks_;
};

// That, and evaluated by the loss of the held-out texts.
class HeldOutHooks : public MaskedLmHooks {
 public:
  HeldOutHooks(models::Encoder& encoder, const MaskedLmData& data, const train::Options& options, Seed seed)
      : MaskedLmHooks(data, options, seed), encoder_(encoder), texts_(data) {}
  std::optional<double> evaluate(int64_t step) override;

 private:
  models::Encoder& encoder_;
  const MaskedLmData& texts_;
};

// How an encoder's vocabulary product becomes logits, for the losses of objectives.
objectives::ChunkOptions chunk_options(models::Encoder& encoder, Precision precision);

// A forward pass over what the model sees of a batch; dropout by the salt where there is one.
models::EncoderOutput masked_pass(models::Encoder& encoder, const data::Batch& batch, const data::MaskedBatch& masked,
                                  std::optional<uint64_t> salt = {}, models::EncoderWant want = {});

// Σ -log p(what stood there) over the hidden tokens of a batch; count: their number.
objectives::Term masked_lm_loss(models::Encoder& encoder, const at::Tensor& hidden, const data::MaskedBatch& masked,
                                Precision precision);

// Pretraining: that loss with dropout. The encoder and the hooks outlive the step.
train::Step masked_lm_step(models::Encoder& encoder, const MaskedLmHooks& hooks, Precision precision);

// Of the hidden tokens of the held-out texts.
struct MaskedLmFigures {
  double loss = 0, accuracy = 0;  // mean -log p, share guessed right
  double divergence = 0;          // mean KL(teacher ‖ model), where there is a teacher
  int64_t num_masked = 0;
};
MaskedLmFigures masked_lm_figures(models::Encoder& encoder, const MaskedLmData& data,
                                  models::Encoder* teacher = nullptr);

}  // namespace limbeck::recipes
