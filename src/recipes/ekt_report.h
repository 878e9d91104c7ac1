// report.html of an EKT run: what was run, the arms with their intervals, training curves, how samples became training
// pairs, programs side by side, the sandbox's verdicts, options and manifest. One file that opens without a network.
#pragma once

#include <string>

#include "recipes/ekt_table.h"

namespace limbeck::recipes {

std::string ekt_report(const EktResult& result, const EktContext& context);

}  // namespace limbeck::recipes
