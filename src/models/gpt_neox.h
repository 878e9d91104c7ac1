// GPT-NeoX and Pythia (arXiv:2204.06745, 2304.01373): attention and feed-forward side by side on two norms of the same
// stream, or one after the other, rotary positions on the first numbers of a head; its files hold the joint projection
// head by head. The dropout of its config is not applied.
#pragma once

#include "models/catalog.h"

namespace limbeck::models {

Architecture gpt_neox();

}  // namespace limbeck::models
