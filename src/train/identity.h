// What a checkpoint belongs to.
#pragma once

#include <string>
#include <vector>

#include "base/seeds.h"
#include "data/batch.h"
#include "nn/parameters.h"
#include "train/options.h"

namespace limbeck::train {

// A hash of everything that decides the result beside the initial weights and the step itself.
std::string identity_of(const std::vector<nn::NamedParameter>& parameters, const std::vector<data::Example>& examples,
                        Options options, Seed seed);

}  // namespace limbeck::train
