// A run: its folder, seed and log; handed to whatever works for the run, never global.
//
//   DIR/options.toml    everything resolved          DIR/samples.jsonl   what the teacher wrote, with verdicts
//   DIR/manifest.json   hashes, seeds, program       DIR/checkpoint-N/   to go on from
//   DIR/log.jsonl       one JSON object a line       DIR/model/          a Hugging Face folder
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/seeds.h"

namespace limbeck {

class Run {
 public:
  // Opens or creates the folder. A folder of another program version or with other options throws UserError that says
  // what differs, unless nothing was made there yet (a mistake in a data file, say, ended it): then it begins anew. The
  // same options go on where the run stopped. `inputs`: files whose hashes belong to the run's
  // identity.
  static Run open(const std::filesystem::path& folder, const std::string& method, const std::string& options_toml,
                  const std::vector<std::filesystem::path>& inputs, Seed seed);
  // A run of a run ("rounds", "arms"): a sub-folder with its own log, and a seed that is derived from the name or
  // given.
  Run child(const std::string& name) const;
  Run child(const std::string& name, Seed seed) const;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  Seed seed() const { return seed_; }
  // Appends {"time":…, …row} to log.jsonl and syncs now and then. Rows written after the last checkpoint of a killed
  // process are written again by the next one; readers keep the last row of each (kind, step).
  void log(const Json& row) const;
  bool resumed() const { return resumed_; }

 private:
  std::filesystem::path folder_;
  Seed seed_;
  bool resumed_ = false;
  std::shared_ptr<class RunLog> log_;
  std::shared_ptr<class RunLock> lock_;  // against a second process in the same folder; shared with children
};

}  // namespace limbeck
