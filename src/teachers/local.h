// A teacher on this machine.
#pragma once

#include <functional>
#include <memory>

#include "teachers/teacher.h"

namespace limbeck::teachers {

// `source` gives a frozen model; it is asked for when the first sample is. It must outlive the teacher.
std::unique_ptr<Teacher> local_teacher(std::string about, std::function<const models::Pretrained&()> source,
                                       const generate::BatchOptions& batch);

}  // namespace limbeck::teachers
