// The text model of Gemma 3 (arXiv:2503.19786): norms on the heads of queries and keys, five blocks of six see a window
// only and have rotary positions of another base.
#pragma once

#include "models/catalog.h"

namespace limbeck::models {

Architecture gemma3();

}  // namespace limbeck::models
