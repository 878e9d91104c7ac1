// What weights start as, as Hugging Face initialises them.
#pragma once

#include "base/seeds.h"
#include "nn/parameters.h"

namespace limbeck::models {

// Ones, zeros, or normal numbers around 0 whose deviation is initializer_range times the parameter's own; drawn by seed
// and name, the same on any number of threads.
void fill_fresh(const nn::NamedParameter& parameter, double initializer_range, Seed seed);

// table [positions, E]: sines and cosines in turns (Vaswani et al. 2017, sec. 3.5), as DistilBERT has them.
void fill_sinusoidal(at::Tensor& table);

}  // namespace limbeck::models
