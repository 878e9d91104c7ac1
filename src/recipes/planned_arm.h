// What an arm of a method will do, for `limbeck plan`.
#pragma once

#include <cstdint>
#include <string>

namespace limbeck::recipes {

struct PlannedArm {
  std::string name;
  double epochs = 0;           // over its training texts, all its rounds together; 0: it is not trained
  int64_t teacher_rounds = 0;  // times that a teacher of its own answers all training questions, k times each
  int64_t student_rounds = 0;  // and that the student does
  bool writes_on_test = true;  // a model writes answers to the test questions
};

}  // namespace limbeck::recipes
