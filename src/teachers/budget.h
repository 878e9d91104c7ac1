// What a served teacher may cost. A request is let through only when it could cost its worst and still keep the cap,
// together with everything that is under way.
#pragma once

#include <cstdint>

#include "base/fields.h"

namespace limbeck::teachers {

struct Tokens {
  int64_t prompt = 0, completion = 0;
  int64_t total() const { return prompt + completion; }
  Tokens& operator+=(const Tokens& other) { return prompt += other.prompt, completion += other.completion, *this; }
  Tokens& operator-=(const Tokens& other) { return prompt -= other.prompt, completion -= other.completion, *this; }
};

struct Price {
  double prompt = 0, completion = 0;  // of a million tokens, in any currency
  void describe(Fields& f);
  double of(const Tokens& tokens) const;
};

struct Cap {
  int64_t tokens = 0;  // of prompts and completions together; 0: none
  double cost = 0;     // in the currency of the prices; 0: none
  void describe(Fields& f);
};

class Budget {
 public:
  Budget(const Cap& cap, const Price& price, const Tokens& spent) : cap_(cap), price_(price), spent_(spent) {}

  // Sets the worst aside; false, and nothing is changed, when the cap could be passed.
  bool reserve(const Tokens& worst);
  void settle(const Tokens& worst, const Tokens& charged);  // what was reserved came to this
  const Tokens& spent() const { return spent_; }
  double cost() const { return price_.of(spent_); }

 private:
  Cap cap_;
  Price price_;
  Tokens spent_, reserved_;
};

}  // namespace limbeck::teachers
