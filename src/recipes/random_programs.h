// Programs at random, the level of chance that pass@k stands on: a program that was written for another question, with
// this question's numbers in place of its own. Not in the paper (arXiv:2211.16740); asked for because a tolerance of 1
// % and many samples reward any arithmetic on the right numbers.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/seeds.h"
#include "recipes/ekt_context.h"
#include "teachers/teacher.h"

namespace limbeck::recipes {

// The numbers of a question in their order, as a program would write them: "1,200" is 1200; "3.5" stays.
std::vector<std::string> numbers_in(std::string_view question);

// `program` with `numbers`, shuffled and over again where there are too few, in its lines "name = number"; where it has
// no such line, in place of every number. A number with a point stays one with a point.
std::string with_numbers(std::string_view program, std::vector<std::string> numbers, Random& random);

// A teacher whose sample i of a problem is a program of `pairs` drawn at random with the problem's numbers.
std::unique_ptr<teachers::Teacher> random_programs(std::vector<TrainingPair> pairs,
                                                   std::span<const synthesis::Problem> problems);

}  // namespace limbeck::recipes
