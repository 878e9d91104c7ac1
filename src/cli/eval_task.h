// limbeck eval of a folder that holds an encoder with a task's head.
#pragma once

#include <string>

#include "cli/verbs.h"

namespace limbeck::cli {

// Whether --model among the flags names an encoder's folder.
bool names_encoder(const Args& args);
int eval_task(const Args& args);
std::string eval_task_help(bool markdown);

}  // namespace limbeck::cli
