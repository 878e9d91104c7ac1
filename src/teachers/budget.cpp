#include "teachers/budget.h"

namespace limbeck::teachers {

void Price::describe(Fields& f) {
  f("prompt", prompt, "of a million prompt tokens, in any currency", at_least(0));
  f("completion", completion, "of a million completion tokens", at_least(0));
}

double Price::of(const Tokens& tokens) const {
  return (prompt * static_cast<double>(tokens.prompt) + completion * static_cast<double>(tokens.completion)) / 1e6;
}

void Cap::describe(Fields& f) {
  f("tokens", tokens, "most tokens of prompts and completions together, over all processes; 0: no cap", at_least(0));
  f("cost", cost, "most that they may cost, in the currency of the prices; 0: no cap", at_least(0));
}

bool Budget::reserve(const Tokens& worst) {
  Tokens all = spent_;
  all += reserved_;
  all += worst;
  if (cap_.tokens > 0 && all.total() > cap_.tokens) return false;
  if (cap_.cost > 0 && price_.of(all) > cap_.cost) return false;
  reserved_ += worst;
  return true;
}

void Budget::settle(const Tokens& worst, const Tokens& charged) {
  reserved_ -= worst;
  spent_ += charged;
}

}  // namespace limbeck::teachers
