// BERT (Devlin et al. 2019, arXiv:1810.04805), and MiniLM and TinyBERT, which differ from it in sizes alone.
#pragma once

#include "models/encoder_catalog.h"

namespace limbeck::models {

EncoderArchitecture bert();

// What BERT, RoBERTa and ELECTRA call the parts of a block.
inline constexpr EncoderNames kBertNames = {.blocks = "encoder.layer.",
                                            .inside_block = "",
                                            .query = "attention.self.query",
                                            .key = "attention.self.key",
                                            .value = "attention.self.value",
                                            .attention_out = "attention.output.dense",
                                            .attention_norm = "attention.output.LayerNorm",
                                            .in = "intermediate.dense",
                                            .out = "output.dense",
                                            .norm = "output.LayerNorm"};

}  // namespace limbeck::models
