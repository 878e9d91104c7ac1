// Expert iteration as EKT's paper compares with (arXiv:2211.16740, official code): the student samples programs for the
// training questions; those that give the right answer are learned from the first weights on; the new student samples
// for the questions that are still unsolved; and so on. Solved questions are not sampled again, so that a program which
// was right by chance stays.
//
// Differs: the last round only trains, since no student would learn from what it samples.
#pragma once

#include "base/run.h"
#include "recipes/ekt_measure.h"

namespace limbeck::recipes {

ArmResult run_expert_iteration(EktContext& context, const Run& run);

// The course of the unfiltered arm, whose student can be the one that expert iteration begins with.
Course unfiltered_course(const EktContext& context);

}  // namespace limbeck::recipes
