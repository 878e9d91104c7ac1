#include "evaluation/tagging.h"

#include <algorithm>

namespace limbeck::evaluation {
namespace {

struct TagParts {
  char prefix = 'I';
  std::string type;
};

TagParts parts_of(const std::string& tag) {
  if (tag == "O") return {'O', ""};
  const bool prefixed = tag.size() > 1 && tag[1] == '-' && std::string("BIES").find(tag[0]) != std::string::npos;
  return prefixed ? TagParts{tag[0], tag.substr(2)} : TagParts{'I', tag};
}

}  // namespace

std::vector<Entity> entities_of(std::span<const std::string> tags) {
  std::vector<Entity> entities;
  TagParts before{'O', ""};
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const TagParts now = parts_of(tags[i]);
    const auto place = static_cast<int64_t>(i);
    const bool goes_on = now.prefix != 'O' && before.prefix != 'O' && now.type == before.type && now.prefix != 'B' &&
                         now.prefix != 'S' && before.prefix != 'E' && before.prefix != 'S';
    if (goes_on)
      entities.back().end = place + 1;
    else if (now.prefix != 'O')
      entities.push_back({now.type, place, place + 1});
    before = now;
  }
  return entities;
}

EntityCounts entity_counts(std::span<const std::string> predicted, std::span<const std::string> labels) {
  const std::vector<Entity> ours = entities_of(predicted), theirs = entities_of(labels);
  EntityCounts counts{.predicted = static_cast<double>(ours.size()), .labelled = static_cast<double>(theirs.size())};
  for (const Entity& entity : ours) counts.right += std::find(theirs.begin(), theirs.end(), entity) != theirs.end();
  return counts;
}

}  // namespace limbeck::evaluation
