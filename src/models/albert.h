// ALBERT (Lan et al. 2020, arXiv:1909.11942): tables of a width of their own, and layers that share their weights. Its
// head that tells the order of sentences is not read.
#pragma once

#include "models/encoder_catalog.h"

namespace limbeck::models {

EncoderArchitecture albert();

}  // namespace limbeck::models
