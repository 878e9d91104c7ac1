// A model's safetensors files in a folder, as Hugging Face lays them out: model.safetensors, or
// model-00001-of-0000N.safetensors with model.safetensors.index.json, which says where each tensor is.
#include <ATen/ATen.h>

#include <algorithm>
#include <regex>
#include <set>
#include <unordered_map>

#include "base/errors.h"
#include "base/files.h"
#include "base/printable.h"
#include "formats/safetensors.h"
#include "formats/safetensors_header.h"
#include "tensor/dtype.h"

namespace limbeck::formats {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

// A shard lies in the folder itself: no path, no "..", nothing that leads elsewhere.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

// The index as JSON. A key that stands twice is refused here: a plain reader would silently keep the last. Sorted
// objects, since insertion into ordered ones takes a time that grows with the square of their size.
nlohmann::json read_index(const fs::path& path) {
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second)
      fail(kOpenSafetensors, "{}: '{}': expected it once but received it twice", path.string(),
           printable(parsed.get<std::string>()));
    return true;
  };
  try {
    return nlohmann::json::parse(read_file(path, kLargestTextFile), watch);
  } catch (const nlohmann::json::parse_error& e) {
    fail(kOpenSafetensors, "{}: expected JSON but received something else at byte {}", path.string(), e.byte);
  }
}

class ShardedFolder : public TensorSource {
 public:
  explicit ShardedFolder(const fs::path& index_path) : path_(index_path) {
    const nlohmann::json index = read_index(path_);
    const bool has_map = index.is_object() && index.contains("weight_map") && index["weight_map"].is_object();
    if (!has_map)
      fail(kOpenSafetensors, "{}: expected an object 'weight_map' of tensors and their files but received none",
           path_.string());
    for (const auto& [name, file] : index["weight_map"].items()) add(name, file);
    refuse_second_copies();
  }

  std::vector<std::string> names() const override { return names_; }
  bool contains(const std::string& name) const override { return shard_of_.contains(name); }
  std::vector<int64_t> shape(const std::string& name) const override { return shard(name).shape(name); }
  at::Tensor read(const std::string& name) const override { return shard(name).read(name); }
  const fs::path& path() const override { return path_; }

 private:
  void add(const std::string& name, const nlohmann::json& file) {
    if (!file.is_string() || !is_plain_name(file.get<std::string>()))
      fail(kOpenSafetensors, "{}: tensor '{}': expected the name of a file in the same folder but received {}",
           path_.string(), printable(name), printable(file.dump()));
    const std::string shard_name = file.get<std::string>();
    auto& shard = shards_[shard_name];
    if (!shard) {
      const fs::path shard_path = path_.parent_path() / shard_name;
      if (!fs::exists(shard_path))
        fail(kOpenSafetensors, "{}: tensor '{}': expected it in the shard '{}' but received no such file",
             path_.string(), printable(name), printable(shard_name));
      shard = open_safetensors(shard_path);
    }
    if (!shard->contains(name))
      fail(kOpenSafetensors, "{}: tensor '{}': expected it in the shard '{}' but received none of that name there",
           path_.string(), printable(name), printable(shard_name));
    shard_of_.emplace(name, shard.get());
    names_.push_back(name);
  }

  // A tensor that the index does not name is left alone, but a second copy of one that it names is a broken save.
  void refuse_second_copies() const {
    for (const auto& [shard_name, shard] : shards_)
      for (const std::string& name : shard->names())
        if (const auto found = shard_of_.find(name); found != shard_of_.end() && found->second != shard.get())
          fail(kOpenSafetensors, "{}: tensor '{}': expected it in one shard but received it in '{}' and '{}'",
               path_.string(), printable(name), found->second->path().filename().string(), printable(shard_name));
  }

  const TensorSource& shard(const std::string& name) const {
    const auto found = shard_of_.find(name);
    if (found == shard_of_.end())
      fail("read_safetensors", "{}: tensor '{}': expected it in the index but received none of that name",
           path_.string(), printable(name));
    return *found->second;
  }

  fs::path path_;
  std::map<std::string, std::unique_ptr<TensorSource>> shards_;
  std::unordered_map<std::string, const TensorSource*> shard_of_;
  std::vector<std::string> names_;
};

int64_t stored_bytes(const at::Tensor& tensor, std::optional<at::ScalarType> stored) {
  const at::ScalarType own = tensor.scalar_type();
  const at::ScalarType type = stored && at::isFloatingType(own) ? *stored : own;
  return tensor.numel() * static_cast<int64_t>(c10::elementSize(type));
}

// In the order given, a new shard whenever the next tensor would not fit; a tensor larger than a shard has one of its
// own.
std::vector<NamedTensors> split(const NamedTensors& tensors, int64_t max_bytes, std::optional<at::ScalarType> stored) {
  std::vector<NamedTensors> shards;
  int64_t filled = 0;
  for (const auto& named : tensors) {
    const int64_t size = stored_bytes(named.second, stored);
    if (shards.empty() || (filled > 0 && filled + size > max_bytes)) {
      shards.emplace_back();
      filled = 0;
    }
    shards.back().push_back(named);
    filled += size;
  }
  return shards;
}

// Model files of an earlier save in this folder.
void remove_others(const fs::path& folder, const std::set<std::string>& written) {
  static const std::regex kOurs(R"(model(-\d{5,}-of-\d{5,})?\.safetensors(\.index\.json)?)");
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (std::regex_match(name, kOurs) && !written.contains(name)) others.push_back(entry.path());
  }
  for (const fs::path& other : others) fs::remove(other);
}

}  // namespace

std::unique_ptr<TensorSource> open_safetensors_folder(const fs::path& folder) {
  if (fs::exists(folder / kSingle)) return open_safetensors(folder / kSingle);
  if (fs::exists(folder / kIndex)) return std::make_unique<ShardedFolder>(folder / kIndex);
  fail(kOpenSafetensors, "{}: expected {} or {} but received neither", folder.string(), kSingle, kIndex);
}

void write_safetensors_folder(const fs::path& folder, const NamedTensors& tensors, int64_t max_shard_bytes,
                              std::optional<at::ScalarType> stored) {
  if (max_shard_bytes <= 0)
    fail("write_safetensors", "{}: expected shards above 0 bytes but received {}", folder.string(), max_shard_bytes);
  std::set<std::string> names;
  int64_t total_size = 0;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined() || !names.insert(name).second)
      fail("write_safetensors", "{}: tensor '{}': expected it once, with numbers", folder.string(), printable(name));
    total_size += stored_bytes(tensor, stored);
  }
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};  // Transformers refuses a file without it
  fs::create_directories(folder);
  const std::vector<NamedTensors> shards = split(tensors, max_shard_bytes, stored);
  if (shards.size() <= 1) {
    write_safetensors(folder / kSingle, tensors, metadata, stored);
    remove_others(folder, {kSingle});
    return;
  }
  std::set<std::string> written = {kIndex};
  Json weight_map = Json::object();
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    write_safetensors(folder / name, shards[i], metadata, stored);
    written.insert(name);
    for (const auto& named : shards[i]) weight_map.get_ref<Json::object_t&>().emplace_back(named.first, name);
  }
  write_json(folder / kIndex, Json{{"metadata", {{"total_size", total_size}}}, {"weight_map", std::move(weight_map)}});
  remove_others(folder, written);
}

}  // namespace limbeck::formats
