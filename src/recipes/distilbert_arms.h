// The arms of DistilBERT's ablation (Sanh et al., arXiv:1910.01108, table 4, and controls): a list to read.
#pragma once

#include <string>
#include <vector>

namespace limbeck::recipes {

enum class StartFrom { kTeacher, kRandom };

struct DistilbertArm {
  const char *name, *title;
  bool ce, mlm, cos;  // the losses it has; none: it is not trained on the texts
  StartFrom start;    // the teacher's blocks, or random weights
  bool is_trained() const { return ce || mlm || cos; }
};

inline constexpr DistilbertArm kDistilbertArms[] = {
    {"full", "three losses, teacher's blocks", true, true, true, StartFrom::kTeacher},
    {"no_ce", "without the divergence", false, true, true, StartFrom::kTeacher},
    {"no_cos", "without the cosine", true, true, false, StartFrom::kTeacher},
    {"no_mlm", "without masked language modelling", true, false, true, StartFrom::kTeacher},
    {"random_init", "three losses, random weights", true, true, true, StartFrom::kRandom},
    {"kl_alone", "the divergence alone, teacher's blocks", true, false, false, StartFrom::kTeacher},
    {"mlm_teacher_init", "no teacher's loss, teacher's blocks", false, true, false, StartFrom::kTeacher},
    {"mlm_random_init", "no teacher's loss, random weights", false, true, false, StartFrom::kRandom},
    {"untrained", "teacher's blocks as they are", false, false, false, StartFrom::kTeacher},
};

// Those that are asked for, in the list's order.
inline std::vector<DistilbertArm> distilbert_arms(const std::vector<std::string>& asked) {
  std::vector<DistilbertArm> chosen;
  for (const DistilbertArm& arm : kDistilbertArms)
    for (const std::string& name : asked)
      if (name == arm.name) chosen.push_back(arm);
  return chosen;
}

}  // namespace limbeck::recipes
