#include "teachers/log_prob_store.h"

#include <fcntl.h>
#include <sys/file.h>  // flock
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/errors.h"
#include "formats/byte_reader.h"
#include "formats/crc32c.h"

namespace limbeck::teachers {
namespace {

constexpr std::string_view kMagic = "LMBKTLP1";
constexpr uint32_t kBlockMagic = 0x424c5054;  // "TPLB"
constexpr std::size_t kHeaderBytes = 64, kBlockHeaderBytes = 32, kKeyBytes = 16;
constexpr double kSteps = 2048;               // of a log-probability, a nat
constexpr uint16_t kNone = 65535;             // no mass at all
constexpr uint32_t kLargestBlock = 1U << 30;  // bytes

// The text's name: the first half of its SHA-256, 16 bytes as 32 characters of hex turned back into bytes.
std::string key_of(std::span<const int32_t> text) {
  const std::string hex = sha256({reinterpret_cast<const char*>(text.data()), text.size_bytes()});
  std::string key;
  for (std::size_t i = 0; i < 2 * kKeyBytes; i += 2)
    key.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return key;
}

template <class T>
void append_number(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

uint16_t steps_of(double log_prob) {
  if (!(log_prob > -1e30)) return kNone;
  return static_cast<uint16_t>(std::clamp(std::round(-log_prob * kSteps), 0.0, 65534.0));
}

std::size_t id_bytes(const LogProbHeader& header) {
  return header.vocab_size <= 65536 ? 2 : 3;
}

std::string header_bytes(const LogProbHeader& header) {
  std::string bytes(kMagic);
  append_number(bytes, static_cast<uint32_t>(header.vocab_size));
  append_number(bytes, static_cast<uint32_t>(header.k));
  append_number(bytes, header.tail);
  for (std::size_t i = 0; i < 64; i += 2)
    bytes.push_back(static_cast<char>(std::stoi(header.tokenizer.substr(i, 2), nullptr, 16)));
  append_number(bytes, formats::crc32c(bytes));
  bytes.resize(kHeaderBytes, '\0');
  return bytes;
}

LogProbHeader read_header(std::string_view bytes, const std::string& where) {
  if (bytes.size() < kHeaderBytes || bytes.substr(0, kMagic.size()) != kMagic)
    user_fail(where, "expected a store of log-probabilities (limbeck record writes one) but received another file");
  formats::ByteReader reader(std::as_bytes(std::span(bytes.substr(kMagic.size(), kHeaderBytes))), where, "header");
  LogProbHeader header;
  header.vocab_size = reader.number<uint32_t>();
  header.k = reader.number<uint32_t>();
  header.tail = reader.number<double>();
  for (int i = 0; i < 32; ++i) header.tokenizer += fmt::format("{:02x}", reader.number<uint8_t>());
  if (reader.number<uint32_t>() != formats::crc32c(bytes.substr(0, 56)))
    fail(where, "the header's checksum is wrong: the file is damaged");
  if (header.vocab_size < 1 || header.vocab_size > 1 << 24 || header.k < 1 || header.k > 255)
    fail(where, "expected a vocabulary of 1 to 2^24 tokens and k from 1 to 255 but received {} and {}",
         header.vocab_size, header.k);
  return header;
}

// What stands before a block's payload.
struct BlockHeader {
  uint32_t num_bytes = 0, checksum = 0;  // of the payload
  std::string key;
};

// At `offset`; none where the file ends in the middle of the block.
std::optional<BlockHeader> block_at(std::string_view file, uint64_t offset, const std::string& where) {
  if (file.size() - offset < kBlockHeaderBytes) return std::nullopt;
  formats::ByteReader reader(std::as_bytes(std::span(file.substr(offset, kBlockHeaderBytes))), where, "block");
  if (reader.number<uint32_t>() != kBlockMagic)
    fail(where, "expected a text's block at byte {} but received something else: the file is damaged", offset);
  BlockHeader block{.num_bytes = reader.number<uint32_t>(), .checksum = reader.number<uint32_t>()};
  block.key = file.substr(offset + 12, kKeyBytes);
  const uint32_t own_checksum = [&] {
    reader.number<uint64_t>(), reader.number<uint64_t>();
    return reader.number<uint32_t>();
  }();
  if (own_checksum != formats::crc32c(file.substr(offset, kBlockHeaderBytes - 4)) || block.num_bytes > kLargestBlock)
    fail(where, "the block at byte {} has a wrong checksum: the file is damaged", offset);
  if (file.size() - offset - kBlockHeaderBytes < block.num_bytes) return std::nullopt;
  return block;
}

// Every whole block; returns where the last one ends.
uint64_t walk(std::string_view file, const std::string& where, std::unordered_map<std::string, uint64_t>& blocks) {
  uint64_t offset = kHeaderBytes;
  while (offset < file.size()) {
    const auto block = block_at(file, offset, where);
    if (!block) break;
    blocks.emplace(block->key, offset);
    offset += kBlockHeaderBytes + block->num_bytes;
  }
  return offset;
}

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

// Places, then for each of them the count of its tokens, the rest, the tokens and their log-probabilities.
std::string payload_of(const LogProbHeader& header, std::span<const int64_t> places,
                       std::span<const generate::TopLogProbs> predictions) {
  std::string bytes;
  append_number(bytes, static_cast<uint32_t>(places.size()));
  for (const int64_t place : places) append_number(bytes, static_cast<uint32_t>(place));
  for (const auto& prediction : predictions) {
    const std::size_t most = std::min(prediction.ids.size(), static_cast<std::size_t>(header.k));
    double rest = prediction.rest;
    for (std::size_t i = most; i < prediction.ids.size(); ++i) rest += std::exp(prediction.log_probs[i]);
    // From the least likely one on, what the tail may take.
    std::size_t count = most;
    while (count > 1 && rest + std::exp(prediction.log_probs[count - 1]) <= header.tail)
      rest += std::exp(prediction.log_probs[--count]);
    append_number(bytes, static_cast<uint8_t>(count));
    append_number(bytes, steps_of(rest > 0 ? std::log(rest) : -1e31));
    for (std::size_t i = 0; i < count; ++i)
      bytes.append(reinterpret_cast<const char*>(&prediction.ids[i]), id_bytes(header));
    for (std::size_t i = 0; i < count; ++i) append_number(bytes, steps_of(prediction.log_probs[i]));
  }
  return bytes;
}

void check_prediction(const LogProbHeader& header, const generate::TopLogProbs& prediction, const std::string& where) {
  if (prediction.ids.empty() || prediction.ids.size() != prediction.log_probs.size())
    fail(where, "expected a log-probability for each of at least one token");
  for (const int32_t id : prediction.ids)
    if (id < 0 || id >= header.vocab_size)
      fail(where, "expected tokens from 0 to {} but received {}", header.vocab_size - 1, id);
}

}  // namespace

std::string tokenizer_hash(const text::Tokenizer& tokenizer) {
  std::string bytes;
  const auto size = static_cast<int32_t>(tokenizer.vocab_size());
  for (int32_t id = 0; id < size; ++id) {
    const std::string_view token = tokenizer.token_bytes(id);
    append_number(bytes, static_cast<uint32_t>(token.size()));
    bytes.append(token);
  }
  return sha256(bytes);
}

LogProbWriter::LogProbWriter(const std::filesystem::path& file, const LogProbHeader& header)
    : file_(file), header_(header) {
  if (header.k < 1 || header.k > 255)
    user_fail(file.string(), "expected 1 to 255 tokens a place but received {}", header.k);
  if (header.tokenizer.size() != 64) fail(file.string(), "expected a SHA-256 of the tokenizer");
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) user_fail(file.string(), "cannot open it for writing: {}", std::strerror(errno));
  try {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) user_fail(file.string(), "another process is writing it");
    const std::string expected = header_bytes(header);
    // A file with less than a header is one that a kill cut short.
    if (std::filesystem::file_size(file) < kHeaderBytes) {
      if (::ftruncate(descriptor_, 0) != 0 || ::write(descriptor_, expected.data(), expected.size()) != kHeaderBytes)
        fail(file.string(), "cannot write the header: {}", std::strerror(errno));
      return;
    }
    uint64_t end = 0;
    {
      const MappedFile mapped(file);
      const std::string_view bytes = text_of(mapped);
      const LogProbHeader there = read_header(bytes, file.string());
      if (bytes.substr(0, kHeaderBytes) != expected)
        user_fail(
            file.string(),
            "this store was made with another tokenizer, k or tail (k {}, tail {}, vocabulary {}); name another file",
            there.k, there.tail, there.vocab_size);
      end = walk(bytes, file.string(), blocks_);
    }
    if (::ftruncate(descriptor_, static_cast<off_t>(end)) != 0 || ::lseek(descriptor_, 0, SEEK_END) < 0)
      fail(file.string(), "cannot cut off a torn block: {}", std::strerror(errno));
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

LogProbWriter::~LogProbWriter() {
  ::close(descriptor_);
}

bool LogProbWriter::contains(std::span<const int32_t> text) const {
  return blocks_.contains(key_of(text));
}

void LogProbWriter::add(std::span<const int32_t> text, std::span<const int64_t> places,
                        std::span<const generate::TopLogProbs> predictions) {
  if (places.size() != predictions.size())
    fail(file_.string(), "expected a prediction for each of {} places but received {}", places.size(),
         predictions.size());
  const std::string key = key_of(text);
  if (blocks_.contains(key)) return;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i] < 1 || places[i] >= static_cast<int64_t>(text.size()) || (i > 0 && places[i] <= places[i - 1]))
      fail(file_.string(), "expected ascending places from 1 to {} but received {}", text.size() - 1, places[i]);
    check_prediction(header_, predictions[i], file_.string());
  }
  const std::string payload = payload_of(header_, places, predictions);
  if (payload.size() > kLargestBlock) fail(file_.string(), "a text of {} places is too long", places.size());
  std::string block;
  append_number(block, kBlockMagic);
  append_number(block, static_cast<uint32_t>(payload.size()));
  append_number(block, formats::crc32c(payload));
  block += key;
  append_number(block, formats::crc32c(block));
  block += payload;
  const off_t before = ::lseek(descriptor_, 0, SEEK_END);
  for (std::string_view left = block; !left.empty();) {
    const ssize_t count = ::write(descriptor_, left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int error = errno;
      if (::ftruncate(descriptor_, before) != 0) { /* the next opening cuts it off */
      }
      fail(file_.string(), "cannot write: {}", std::strerror(error));
    }
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  blocks_.emplace(key, static_cast<uint64_t>(before));
  num_places_ += static_cast<int64_t>(places.size());
  num_bytes_ += static_cast<int64_t>(block.size());
}

void LogProbWriter::sync() {
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) fail(file_.string(), "cannot sync: {}", std::strerror(errno));
}

LogProbStore::LogProbStore(const std::filesystem::path& file)
    : file_(file), header_(read_header(text_of(file_), file.string())) {
  const uint64_t end = walk(text_of(file_), file.string(), blocks_);
  if (end != file_.bytes().size())
    user_fail(file.string(), "ends in the middle of a block; run limbeck record again to complete it");
}

bool LogProbStore::contains(std::span<const int32_t> text) const {
  return blocks_.contains(key_of(text));
}

void LogProbStore::read(std::span<const int32_t> text,
                        const std::function<void(int64_t place, const Prediction& prediction)>& on_place) const {
  const std::string where = file_.path().string();
  const auto found = blocks_.find(key_of(text));
  if (found == blocks_.end()) fail(where, "expected the text of {} tokens but it is not in the store", text.size());
  const std::string_view bytes = text_of(file_);
  const BlockHeader block = *block_at(bytes, found->second, where);
  const std::string_view payload = bytes.substr(found->second + kBlockHeaderBytes, block.num_bytes);
  const std::string what = fmt::format("the block at byte {}", found->second);
  if (formats::crc32c(payload) != block.checksum) fail(where, "{} has a wrong checksum: the file is damaged", what);
  formats::ByteReader reader(std::as_bytes(std::span(payload)), where, what);
  const auto num_places = reader.number<uint32_t>();
  if (num_places > reader.remaining() / 4) reader.refuse(fmt::format("expected fewer places than {}", num_places));
  std::vector<uint32_t> places(num_places);
  for (uint32_t& place : places) place = reader.number<uint32_t>();
  std::vector<int32_t> ids;
  std::vector<float> log_probs;
  for (const uint32_t place : places) {
    if (place < 1 || place >= text.size())
      reader.refuse(fmt::format("expected places below {} but received {}", text.size(), place));
    const auto count = reader.number<uint8_t>();
    const auto rest_steps = reader.number<uint16_t>();
    ids.assign(count, 0);
    log_probs.assign(count, 0);
    for (int32_t& id : ids) {
      id = reader.number<uint16_t>();
      if (id_bytes(header_) == 3) id |= reader.number<uint8_t>() << 16;
      if (id >= header_.vocab_size)
        reader.refuse(fmt::format("expected tokens below {} but received {}", header_.vocab_size, id));
    }
    double mass = rest_steps == kNone ? 0 : std::exp(-rest_steps / kSteps);
    Prediction prediction{.rest = static_cast<float>(mass)};
    for (float& log_prob : log_probs) {
      log_prob = static_cast<float>(-reader.number<uint16_t>() / kSteps);
      mass += std::exp(log_prob);
    }
    if (mass <= 0) reader.refuse("expected some mass but received none");
    // Rounding moved the whole mass a little; it is 1 again.
    for (float& log_prob : log_probs) log_prob -= static_cast<float>(std::log(mass));
    prediction.rest = static_cast<float>(prediction.rest / mass);
    prediction.ids = ids;
    prediction.log_probs = log_probs;
    on_place(place, prediction);
  }
  if (reader.remaining() != 0) reader.refuse("expected the block's end but received more bytes");
}

}  // namespace limbeck::teachers
