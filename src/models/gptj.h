// GPT-J (Wang and Komatsuzaki 2021): attention and feed-forward side by side on one norm, rotary positions on the first
// numbers of a head, each turned with its neighbour, and a bias on the logits. The dropout of its config is not
// applied.
#pragma once

#include "models/catalog.h"

namespace limbeck::models {

Architecture gptj();

}  // namespace limbeck::models
