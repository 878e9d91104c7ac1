// Files of a task in a folder of the test's own.
#pragma once

#include <string>

#include "base/files.h"
#include "base/temporary_folder.h"
#include "data/task_rows.h"

namespace limbeck::data {

class TaskFiles {
 public:
  std::string write(const std::string& name, const std::string& content) {
    write_file_atomically(folder_ / name, content);
    return (folder_ / name).string();
  }
  // What a task file of this content describes.
  TaskDescription described(const std::string& toml) { return describe_task({.task = write("task.toml", toml)}); }
  Task read(const std::string& toml, const std::vector<std::string>& model_labels = {}) {
    return read_task(described(toml), model_labels);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace limbeck::data
