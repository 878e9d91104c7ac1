// How an answer is compared: EKT (arXiv:2211.16740), step 5 of its specification. NaN compares false, so it never
// passes.
#include <algorithm>
#include <cmath>

#include "sandbox/judge.h"

namespace limbeck::sandbox {

void AnswerCheck::describe(Fields& f) {
  f("relative_tolerance", relative_tolerance, "an answer passes when |z - a| / max(|a|, 1e-5) is below this", above(0));
  f("type_policy", type_policy, "float_only: a Python int fails, as in the official code for open models",
    {{"number", TypePolicy::kNumber}, {"float_only", TypePolicy::kFloatOnly}});
  f("signed_denominator", signed_denominator,
    "divide by max(a, 1e-5) as the official code does: a negative answer must then be nearly exact");
}

bool answer_matches(double answer, AnswerType type, double expected, const AnswerCheck& check) {
  const bool allowed =
      type == AnswerType::kFloat || (type == AnswerType::kInt && check.type_policy == TypePolicy::kNumber);
  if (!allowed) return false;
  const double size = check.signed_denominator ? expected : std::fabs(expected);
  return std::fabs(answer - expected) / std::max(size, 1e-5) < check.relative_tolerance;
}

}  // namespace limbeck::sandbox
