// The rows of a task's files before anything is made of them: JSON objects, whatever the format.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/task.h"

namespace limbeck::data {

// Calls on_row(row, "path:line") for every row of `file` ("FILE", or "FILE.json#KEY"). What format, encoding, fields
// and quotes say of a file is in `task`. Throws UserError for a file that does not read as that.
void read_task_records(const std::string& file, const TaskDescription& task,
                       const std::function<void(const Json& row, const std::string& where)>& on_row);

// row["a.b"], or row["a"]["b"] where there is no such field. Throws UserError naming the fields that there are.
const Json& field_at(const Json& row, const std::string& name, const std::string& where);
bool has_field(const Json& row, const std::string& name);

// A field as text: numbers and booleans as JSON writes them, null as "". Throws for lists and objects, and for text
// that is not UTF-8.
std::string text_at(const Json& row, const std::string& name, const std::string& where);
// A field that is a list of texts, or a text of words with spaces between them.
std::vector<std::string> list_at(const Json& row, const std::string& name, const std::string& where);

}  // namespace limbeck::data
