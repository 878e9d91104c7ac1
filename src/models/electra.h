// ELECTRA (Clark et al. 2020, arXiv:2003.10555), whose discriminator is what one fine-tunes: BERT's blocks under tables
// of a width of their own, a classifier with a GELU. Its head that tells replaced tokens is not read.
#pragma once

#include "models/encoder_catalog.h"

namespace limbeck::models {

EncoderArchitecture electra();

}  // namespace limbeck::models
