#include "tensor/weight_format.h"

namespace limbeck {

void describe_weights(Fields& f, WeightFormat& weights) {
  f("weights", weights,
    "how the weights of all products are kept, those of the output embedding too: as precision says, or in blocks of "
    "32 "
    "numbers of 8 or 4 bits with one scale (q8_0, q4_0: those of a GGUF file of that type are taken to the bit, others "
    "are rounded; what a file holds in q8_0, q5_0 or q6_K stays q8_0 under q4_0). Products with blocks round each 32 "
    "numbers that come in to 8 bits. Norms, biases, the input "
    "embedding, keys and values stay in precision",
    {{"precision", WeightFormat::kAsPrecision},
     {"fp32", WeightFormat::kFp32},
     {"bf16", WeightFormat::kBf16},
     {"q8_0", WeightFormat::kQ8_0},
     {"q4_0", WeightFormat::kQ4_0}});
}

}  // namespace limbeck
