// The teacher that an option names: a Hugging Face folder or a .gguf file is a local model, a .jsonl file a recorded
// store.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "teachers/teacher.h"

namespace limbeck::teachers {

struct OpenOptions {
  generate::BatchOptions batch;  // of a local model; its precision is that of the frozen weights
};

// A local model is loaded when it is first needed. Throws UserError when nothing of a known kind stands there.
std::unique_ptr<Teacher> open_teacher(const std::filesystem::path& source, const OpenOptions& options);

// Whether the teacher is a model on this machine, of which a student can be a slice.
bool is_local(const std::filesystem::path& source);

// "a Hugging Face folder, …": what open_teacher takes, for the help of options.
inline constexpr std::string_view kTeacherKinds =
    "a Hugging Face folder, a .gguf file, or a .jsonl file of recorded samples";

}  // namespace limbeck::teachers
