// Figures of tagged words: entities as conlleval and seqeval read them out of B-, I-, E-, S- and O tags.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace limbeck::evaluation {

struct Entity {
  std::string type;
  int64_t begin = 0, end = 0;  // words [begin, end)
  bool operator==(const Entity&) const = default;
};

// A tag without a prefix is read as inside an entity of that type. An I- that follows nothing of its type begins one.
std::vector<Entity> entities_of(std::span<const std::string> tags);

// Of one text; those of many are added up.
struct EntityCounts {
  double right = 0, predicted = 0, labelled = 0;
  double f1() const { return predicted + labelled == 0 ? 0 : 2 * right / (predicted + labelled); }
};
EntityCounts entity_counts(std::span<const std::string> predicted, std::span<const std::string> labels);

}  // namespace limbeck::evaluation
