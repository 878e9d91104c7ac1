#include "models/layer_map.h"

#include "base/errors.h"

namespace limbeck::models {

void LayerMapOptions::describe(Fields& f) {
  f("map", kind,
    "which of the teacher's blocks each block of the student learns from: evenly spaced ones that end with the last, "
    "the last ones, the first ones, only the last from the last, or those in given",
    {{"uniform", LayerMapKind::kUniform},
     {"top", LayerMapKind::kTop},
     {"bottom", LayerMapKind::kBottom},
     {"last", LayerMapKind::kLast},
     {"given", LayerMapKind::kGiven}});
  f("given", given, "with map=given: the teacher's block, counted from 0, for each block of the student", at_least(0));
}

std::vector<LayerPair> layer_pairs(int64_t student_blocks, int64_t teacher_blocks, const LayerMapOptions& options) {
  if (student_blocks < 1 || teacher_blocks < 1)
    user_fail("layer map", "expected student and teacher of at least one block but received {} and {}", student_blocks,
              teacher_blocks);
  const bool given = options.kind == LayerMapKind::kGiven;
  if (given && static_cast<int64_t>(options.given.size()) != student_blocks)
    user_fail("layer map", "expected a block of the teacher for each of the student's {} but received {}",
              student_blocks, options.given.size());
  if (!given && options.kind != LayerMapKind::kLast && student_blocks > teacher_blocks)
    user_fail("layer map", "expected a student of at most {} blocks, as its teacher has, but received {}",
              teacher_blocks, student_blocks);
  std::vector<LayerPair> pairs;
  for (int64_t i = 0; i < student_blocks; ++i) {
    int64_t block = i;
    if (options.kind == LayerMapKind::kUniform)  // m·N/M to the nearest, m counted from 1
      block = (2 * (i + 1) * teacher_blocks + student_blocks) / (2 * student_blocks) - 1;
    if (options.kind == LayerMapKind::kTop) block = i + teacher_blocks - student_blocks;
    if (options.kind == LayerMapKind::kLast) block = teacher_blocks - 1;
    if (given) block = options.given[static_cast<std::size_t>(i)];
    if (block >= teacher_blocks || block < 0)
      user_fail("layer map", "expected blocks of 0 to {} but received {}", teacher_blocks - 1, block);
    if (options.kind != LayerMapKind::kLast || i == student_blocks - 1) pairs.push_back({i, block});
  }
  return pairs;
}

}  // namespace limbeck::models
