// Memory for packed weights. They are read from end to end for each token, so they stand close together in huge pages:
// fewer page walks, and the processor's prefetch runs on over what would be the end of a small page.
#pragma once

#include <cstddef>
#include <memory>

namespace limbeck::kernels {

// Zeros, from a line of the cache on. Memory goes back to the system when all that shares a slab with it is gone.
std::shared_ptr<std::byte> take_weight_memory(std::size_t size);

}  // namespace limbeck::kernels
