// Terms of several layers as one.
#pragma once

#include <string>
#include <vector>

#include "objectives/loss.h"

namespace limbeck::objectives {

// Σ of the terms' sums over their one count: Σ over layers of a mean, as TinyBERT adds its layers up. Throws when the
// counts differ or there is no term.
Term add_up(std::string name, const std::vector<Term>& terms, double weight = 1);

}  // namespace limbeck::objectives
