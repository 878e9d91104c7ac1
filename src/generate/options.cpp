#include "generate/generate.h"

namespace limbeck::generate {

void SamplingOptions::describe(Fields& f) {
  f("max_new_tokens", max_new_tokens, "longest continuation in tokens", at_least(0));
  f("temperature", temperature, "divides the logits; 0 takes the most likely token", at_least(0));
  f("top_k", top_k, "draws from the k most likely tokens only; 0: off", at_least(0));
  f("top_p", top_p, "draws from the fewest tokens that have this mass together (after top_k)",
    Range{.low = 0, .high = 1, .low_open = true});
  f("min_p", min_p, "draws from tokens with at least this share of the most likely one's probability (after top_p)",
    within(0, 1));
  f("repetition_penalty", repetition_penalty,
    "divides the positive logits of tokens that came before, multiplies the negative ones", above(0));
  f("stop", stop, "a continuation ends before the first of these texts");
}

void BatchOptions::describe(Fields& f) {
  f("max_batch", max_batch, "sequences that are decoded together; changes the speed, never a sample", at_least(1))
      .speed_only = true;
  f("precision", precision, "of products, keys and values", {{"bf16", Precision::kBf16}, {"fp32", Precision::kFp32}});
  describe_weights(f, weights);
}

}  // namespace limbeck::generate
