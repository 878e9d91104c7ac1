// What a job may come to need, and which jobs an engine can never run.
#pragma once

#include <cstdint>

#include "serve/engine.h"

namespace limbeck::serve {

// Positions of the cache that a job may come to hold; every sequence ends in a page of its own.
int64_t positions_of(const Job& job);

// Throws UserError naming the field of the request: no prompt, a token that is none, more tokens than the context or
// the cache has, more samples than the batch.
void check_job(const Job& job, const models::DecoderConfig& config, const EngineOptions& options);

}  // namespace limbeck::serve
