// The machine this runs on, from what Linux and the processor say.
#pragma once

#include <string>
#include <vector>

namespace limbeck {

std::string processor_name();                   // "AMD EPYC 9354P", or "unknown"
int num_cores();                                // that this process may use
std::vector<std::string> processor_features();  // of those that Limbeck has a use for: "avx2", "avx512_bf16", ...

}  // namespace limbeck
