#include "base/run.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>

#include "base/fields.h"
#include "base/machine.h"

namespace limbeck {

namespace fs = std::filesystem;

// One log file; rows may come from several threads.
class RunLog {
 public:
  explicit RunLog(const fs::path& path) : lines_(path) {}

  void add(const Json& row) {
    const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    Json with_time = {{"time", static_cast<double>(static_cast<int64_t>(now * 1000)) / 1000}};
    with_time.update(row);
    const std::lock_guard lock(mutex_);
    lines_.append(to_line(with_time));
    const auto tick = std::chrono::steady_clock::now();
    if (tick - synced_ < std::chrono::seconds(5)) return;
    lines_.sync();
    synced_ = tick;
  }

 private:
  std::mutex mutex_;
  LineAppender lines_;
  std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
};

// Holds the folder while this process works in it; the system lets go of it when the process ends, however it ends.
class RunLock {
 public:
  explicit RunLock(const fs::path& folder) {
    const fs::path file = folder / ".lock";
    descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) user_fail(file.string(), "cannot open: {}", std::strerror(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
    const int error = errno;
    ::close(descriptor_);
    if (error != EWOULDBLOCK) fail(file.string(), "cannot lock: {}", std::strerror(error));
    user_fail(folder.string(), "another process works in this run folder; wait for it or choose another --out");
  }
  ~RunLock() { ::close(descriptor_); }
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int descriptor_;
};

namespace {

// The hash of a file, or of a folder: of its files' names and hashes, in order.
std::string sha256_of(const fs::path& path) {
  if (!fs::is_directory(path)) return sha256_of_file(path);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string list;
  for (const auto& file : files) list += sha256_of_file(file) + " " + fs::relative(file, path).string() + "\n";
  return sha256(list);
}

// The lines that make a run what it is.
std::string compared(const std::string& toml) {
  std::istringstream lines(toml);
  std::string result;
  for (std::string line; std::getline(lines, line);)
    if (!line.ends_with(kNotCompared)) result += line + "\n";
  return result;
}

Json manifest_of(const std::string& method, const std::string& options_toml, const std::vector<fs::path>& inputs,
                 Seed seed) {
  Json files = Json::array();
  for (const auto& path : inputs) {
    if (!fs::exists(path)) user_fail(path.string(), "expected a file or folder but there is none");
    files.push_back({{"path", path.string()}, {"sha256", sha256_of(path)}});
  }
  return {{"program", "limbeck"},
          {"version", LIMBECK_VERSION},
          {"program_sha256", sha256_of_file("/proc/self/exe")},
          {"method", method},
          {"seed", seed.value()},
          {"options_sha256", sha256(compared(options_toml))},
          {"inputs", files},
          {"machine", {{"processor", processor_name()}, {"cores", num_cores()}, {"features", processor_features()}}}};
}

// "train.epochs" -> "3" of TOML as to_toml writes it: a key a line, groups as tables.
std::map<std::string, std::string> settings_of(const std::string& toml) {
  std::map<std::string, std::string> settings;
  std::istringstream lines(toml);
  std::string table;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("[") && line.ends_with("]")) table = line.substr(1, line.size() - 2) + ".";
    const auto equals = line.find(" = ");
    if (equals != std::string::npos) settings[table + line.substr(0, equals)] = line.substr(equals + 3);
  }
  return settings;
}

void add_option_differences(const std::string& there, const std::string& now, std::vector<std::string>& differences) {
  const auto before = settings_of(compared(there)), after = settings_of(compared(now));
  for (const auto& [name, value] : before) {
    const auto found = after.find(name);
    if (found == after.end()) {
      differences.push_back(fmt::format("option {}: {} there, not set now", name, value));
    } else if (found->second != value) {
      differences.push_back(fmt::format("option {}: {} there, {} now", name, value, found->second));
    }
  }
  for (const auto& [name, value] : after)
    if (!before.contains(name)) differences.push_back(fmt::format("option {}: not set there, {} now", name, value));
}

// What makes two runs different runs; the machine is not part of it.
std::vector<std::string> differences_between(const fs::path& folder, const Json& there, const Json& now,
                                             const std::string& options_toml) {
  std::vector<std::string> differences;
  for (const char* key : {"version", "method", "seed"})
    if (there.value(key, Json()) != now.at(key))
      differences.push_back(
          fmt::format("{}: {} there, {} now", key, to_line(there.value(key, Json())), to_line(now.at(key))));
  if (there.value("options_sha256", Json()) != now.at("options_sha256")) {
    // Options that only stand in another order are the same ones.
    if (fs::exists(folder / "options.toml"))
      add_option_differences(read_file(folder / "options.toml"), options_toml, differences);
    else
      differences.push_back("options: their bytes differ, and there is no options.toml");
  }
  const Json inputs = there.value("inputs", Json::array());
  if (inputs.size() != now.at("inputs").size())
    differences.push_back(fmt::format("inputs: {} there, {} now", inputs.size(), now.at("inputs").size()));
  for (std::size_t i = 0; i < std::min(inputs.size(), now.at("inputs").size()); ++i) {
    const Json &a = inputs[i], &b = now.at("inputs")[i];
    if (a.value("sha256", "") != b.value("sha256", ""))
      differences.push_back(fmt::format("input {}: its content is another than that of {} then", b.value("path", ""),
                                        a.value("path", "")));
  }
  return differences;
}

// A folder with files that no run wrote is somebody's own.
void refuse_foreign_files(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name == ".lock" || name == "options.toml" || name.starts_with("options.toml.tmp-") ||
        name.starts_with("manifest.json.tmp-"))
      continue;
    user_fail(folder.string(),
              "expected a run folder or an empty one but received one that holds '{}' and no manifest.json", name);
  }
}

// Whether a run wrote only what it begins with.
bool nothing_made(const fs::path& folder) {
  static const std::set<std::string> first = {".lock", "options.toml", "manifest.json", "log.jsonl", "dropped.jsonl"};
  for (const auto& entry : fs::directory_iterator(folder))
    if (!first.contains(entry.path().filename().string())) return false;
  return true;
}

}  // namespace

Run Run::open(const fs::path& folder, const std::string& method, const std::string& options_toml,
              const std::vector<fs::path>& inputs, Seed seed) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder))
    user_fail(folder.string(), "cannot create the run folder: {}", error ? error.message() : "a file stands there");
  Run run;
  run.folder_ = folder;
  run.seed_ = seed;
  run.lock_ = std::make_shared<RunLock>(folder);
  const fs::path manifest_path = folder / "manifest.json";
  if (!fs::exists(manifest_path)) refuse_foreign_files(folder);
  remove_temporaries(folder);
  const Json manifest = manifest_of(method, options_toml, inputs, seed);
  run.resumed_ = fs::exists(manifest_path);
  if (run.resumed_) {
    const Json there = read_json(manifest_path);
    const auto differences = in_context("a manifest of no use: " + manifest_path.string(),
                                        [&] { return differences_between(folder, there, manifest, options_toml); });
    if (!differences.empty() && !nothing_made(folder))
      user_fail(
          folder.string(),
          "this folder holds a run of something else; choose another --out, or remove the folder to start anew:\n  {}",
          fmt::join(differences, "\n  "));
    run.resumed_ = differences.empty();
    if (run.resumed_ && there.value("program_sha256", Json()) != manifest.at("program_sha256"))
      fmt::print(stderr, "note: {} was begun by another build of limbeck {}; its last digits may differ\n",
                 folder.string(), LIMBECK_VERSION);
    if (!run.resumed_) {
      fs::remove(folder / "log.jsonl");
      fs::remove(folder / "dropped.jsonl");
      fs::remove(manifest_path);  // last: a process killed before this leaves a folder that can still be begun anew
    }
  }
  if (!run.resumed_) {
    write_file_atomically(folder / "options.toml", options_toml);
    write_json(manifest_path, manifest);  // last: a folder with a manifest is a run
  }
  run.log_ = std::make_shared<RunLog>(folder / "log.jsonl");
  run.log({{"kind", run.resumed_ ? "resume" : "start"},
           {"version", LIMBECK_VERSION},
           {"program_sha256", manifest.at("program_sha256")},
           {"machine", manifest.at("machine")}});
  return run;
}

Run Run::child(const std::string& name) const {
  return child(name, seed_.derive(name));
}

Run Run::child(const std::string& name, Seed seed) const {
  Run run;
  run.folder_ = folder_ / name;
  std::error_code error;
  fs::create_directories(run.folder_, error);
  if (error) fail(run.folder_.string(), "cannot create the folder: {}", error.message());
  remove_temporaries(run.folder_);
  run.seed_ = seed;
  run.resumed_ = resumed_;
  run.lock_ = lock_;
  run.log_ = std::make_shared<RunLog>(run.folder_ / "log.jsonl");
  return run;
}

void Run::log(const Json& row) const {
  log_->add(row);
}

}  // namespace limbeck
