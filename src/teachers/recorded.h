// A teacher that wrote its samples at another time: JSON Lines of
//   {"id": "p1", "text": "…"}   and "sample": 3 where the order in the file is not the order of the samples,
//                               "finish": "end_of_text" | "stop" | "length" (end_of_text where it is not told).
// The samples.jsonl of a run is such a file, so a run's samples can teach another run; so are the stored answers of a
// served teacher (teachers/answer_store.h).
#pragma once

#include <filesystem>
#include <memory>

#include "teachers/teacher.h"

namespace limbeck::teachers {

// What a question gets that has fewer samples in the file than it asks for.
enum class Missing {
  kRefuse,  // UserErrors naming every such question, before any sample is handed out
  kEmpty    // empty texts: they pass no judge
};

// Reads the whole file. Throws UserErrors naming every line that is no sample and every sample that comes twice with
// different texts (the same text twice is taken once where the line names its sample).
std::unique_ptr<Teacher> recorded_teacher(const std::filesystem::path& file, Missing missing = Missing::kRefuse);

}  // namespace limbeck::teachers
