// libFuzzer: any task file with any data file is either refused with an Error or gives rows whose labels and answers
// lie within what they are of. The first line that is "---" parts the two.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/errors.h"
#include "data/task_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace limbeck;
  static const std::filesystem::path folder = [] {
    auto path = std::filesystem::temp_directory_path() / fmt::format("limbeck-task-fuzz-{}", ::getpid());
    std::filesystem::create_directories(path);
    return path;
  }();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find("\n---\n"), size);
  // Whatever files the task names, those that it gets are its own.
  if (input.substr(0, end).find("/") != std::string_view::npos) return 0;
  std::ofstream(folder / "task.toml", std::ios::binary) << input.substr(0, end);
  for (const char* name : {"rows.csv", "rows.tsv", "rows.jsonl", "rows.json"})
    std::ofstream(folder / name, std::ios::binary) << input.substr(std::min(end + 5, size));
  try {
    const data::Task task = data::read_task(
        data::describe_task({.task = (folder / "task.toml").string(), .bad_rows = data::FaultyRows(size % 3)}));
    for (const data::TaskSplit* split : {&task.train, &task.dev, &task.test})
      for (const data::TaskRow& row : split->rows) {
        const auto most = row.choices.empty() ? task.labels.size() : row.choices.size();
        if (row.label < -1 || row.label >= static_cast<int64_t>(most)) std::abort();
        for (const auto& answer : row.answers)
          if (row.second.compare(answer.begin, answer.text.size(), answer.text) != 0) std::abort();
        for (const int64_t tag : row.tags)
          if (tag < 0 || tag >= static_cast<int64_t>(task.labels.size())) std::abort();
      }
  } catch (const Error&) {
  }
  return 0;
}
