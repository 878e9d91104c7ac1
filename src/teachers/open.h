// The teacher that an option names: a Hugging Face folder or a .gguf file is a local model, a .toml file describes a
// served one (teachers/served.h), a .jsonl file is a recorded store.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "teachers/recorded.h"
#include "teachers/teacher.h"

namespace limbeck::teachers {

struct OpenOptions {
  generate::BatchOptions batch;        // of a local model; its precision is that of the frozen weights
  std::filesystem::path answers;       // where a served teacher's answers are stored
  Missing missing = Missing::kRefuse;  // what a recorded store does for a question with too few samples
};

// A local model is loaded when it is first needed. Throws UserError when nothing of a known kind stands there.
std::unique_ptr<Teacher> open_teacher(const std::filesystem::path& source, const OpenOptions& options);

// Whether the teacher is a model on this machine, of which a student can be a slice.
bool is_local(const std::filesystem::path& source);

// The files whose content belongs to what a run is. Not that of a served teacher: its address, its key and its prices
// may change, and its answers are stored under the model's name.
std::vector<std::filesystem::path> inputs_of(const std::filesystem::path& source);

// "a Hugging Face folder, …": what open_teacher takes, for the help of options.
inline constexpr std::string_view kTeacherKinds =
    "a Hugging Face folder, a .gguf file, a .toml file that describes a served model, or a .jsonl file of recorded "
    "samples";

}  // namespace limbeck::teachers
