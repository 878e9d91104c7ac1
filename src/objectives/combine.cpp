#include "objectives/combine.h"

#include <ATen/ATen.h>

#include "base/errors.h"

namespace limbeck::objectives {

Term add_up(std::string name, const std::vector<Term>& terms, double weight) {
  if (terms.empty()) fail("add_up", "term '{}': expected at least one part but received none", name);
  Term whole{.name = std::move(name), .sum = terms.front().sum, .count = terms.front().count, .weight = weight};
  for (std::size_t i = 1; i < terms.size(); ++i) {
    if (terms[i].count != whole.count)
      fail("add_up", "term '{}': expected parts with the count {} but received {}", whole.name, whole.count,
           terms[i].count);
    whole.sum = whole.sum + terms[i].sum;
  }
  return whole;
}

}  // namespace limbeck::objectives
