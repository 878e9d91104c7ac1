// DistilBERT (Sanh et al. 2019, arXiv:1910.01108): BERT without token types and pooler, under names of its own.
#pragma once

#include "models/encoder_catalog.h"

namespace limbeck::models {

EncoderArchitecture distilbert();

}  // namespace limbeck::models
