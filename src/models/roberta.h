// RoBERTa (Liu et al. 2019, arXiv:1907.11692): BERT's blocks, places that begin after the padding id, other heads. The
// same under the names of its multilingual and French kin.
#pragma once

#include "models/encoder_catalog.h"

namespace limbeck::models {

EncoderArchitecture roberta();
EncoderArchitecture xlm_roberta();
EncoderArchitecture camembert();

}  // namespace limbeck::models
