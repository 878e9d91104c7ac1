// The model that learns, as options name it.
#pragma once

#include <cstdint>
#include <string>

#include "models/language_model.h"

namespace limbeck::recipes {

// `source` (a Hugging Face folder or a .gguf file), or `layers` evenly spaced blocks of it; 0: all. Fresh, fp32.
models::Pretrained load_student(const std::string& source, int64_t layers);

// The same weights once more: to freeze and sample from, while the student goes on learning.
models::Pretrained copy_of(const models::Pretrained& student);

}  // namespace limbeck::recipes
