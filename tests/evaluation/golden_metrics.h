// Figures of made-up predictions by scipy, scikit-learn and seqeval (tests/golden/scripts/make_metrics_golden.py).
#pragma once

#include "base/json.h"

namespace limbeck::evaluation {

inline Json golden_metrics(const char* part) {
  return read_json(LIMBECK_SOURCE_DIR "/tests/golden/evaluation/metrics.json").at(part);
}

}  // namespace limbeck::evaluation
