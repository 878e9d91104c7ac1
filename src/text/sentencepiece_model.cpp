// Reads the wire format of protocol buffers: (field number, wire type) keys, each with a varint, 4 or 8 bytes, or a
// length and so many bytes. Unknown fields are skipped.
#include "text/sentencepiece_model.h"

#include <cstring>

#include "base/errors.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

constexpr std::size_t kMostPieces = 10'000'000;

struct WireField {
  uint64_t number = 0;
  uint32_t type = 0;
  uint64_t value = 0;      // of a varint or a fixed number
  std::string_view bytes;  // of a length-delimited field
};

class WireReader {
 public:
  WireReader(std::string_view bytes, std::string_view where, std::size_t origin)
      : bytes_(bytes), where_(where), origin_(origin) {}

  bool next(WireField& field) {
    if (at_ == bytes_.size()) return false;
    const uint64_t key = varint();
    field = {.number = key >> 3, .type = uint32_t(key & 7)};
    switch (field.type) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = fixed(8);
        break;
      case 2: {
        const uint64_t length = varint();
        if (length > bytes_.size() - at_) broken("a field that ends in the file");
        field.bytes = bytes_.substr(at_, std::size_t(length));
        at_ += std::size_t(length);
        break;
      }
      case 5:
        field.value = fixed(4);
        break;
      default:
        broken("a field of a known type");
    }
    return true;
  }

  WireReader inside(const WireField& field) const {
    if (field.type != 2) broken("a message");
    return {field.bytes, where_, origin_ + std::size_t(field.bytes.data() - bytes_.data())};
  }
  std::string_view text(const WireField& field) const {
    if (field.type != 2) broken("bytes");
    return field.bytes;
  }
  int64_t integer(const WireField& field) const {
    if (field.type != 0) broken("a whole number");
    return int64_t(field.value);
  }
  float number(const WireField& field) const {
    if (field.type != 5) broken("a number of 4 bytes");
    const auto bits = uint32_t(field.value);
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
  }
  [[noreturn]] void broken(std::string_view expected) const {
    fail(where_, "byte {}: expected {} but received something else; is it a SentencePiece model?", origin_ + at_,
         expected);
  }

 private:
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) broken("more bytes");
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= uint64_t(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    broken("a number of at most 10 bytes");
  }
  uint64_t fixed(std::size_t size) {
    if (size > bytes_.size() - at_) broken("more bytes");
    uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + at_, size);
    at_ += size;
    return value;
  }

  std::string_view bytes_, where_;
  std::size_t origin_, at_ = 0;
};

SentencePieceModel::Piece read_piece(WireReader reader) {
  SentencePieceModel::Piece piece;
  for (WireField field; reader.next(field);) {
    if (field.number == 1) {
      piece.text = std::string(reader.text(field));
      if (valid_utf8_prefix(piece.text) != piece.text.size()) reader.broken("a piece in UTF-8");
    } else if (field.number == 2) {
      piece.score = reader.number(field);
    } else if (field.number == 3) {
      const int64_t kind = reader.integer(field);
      if (kind < 1 || kind > 6) reader.broken("a kind of piece from 1 to 6");
      piece.kind = SentencePieceModel::PieceKind(kind);
    }
  }
  return piece;
}

void read_trainer(WireReader reader, SentencePieceModel& model, std::string_view where) {
  const auto id = [](int64_t value) { return value < 0 || value > INT32_MAX ? int32_t(-1) : int32_t(value); };
  for (WireField field; reader.next(field);) {
    switch (field.number) {
      case 3: {
        const int64_t kind = reader.integer(field);
        if (kind != 1 && kind != 2)
          user_fail(where, "model_type: expected unigram (1) or BPE (2) but received {}, which is not supported", kind);
        model.algorithm = SentencePieceModel::Algorithm(kind);
        break;
      }
      case 24:
        if (reader.integer(field) != 0) user_fail(where, "treat_whitespace_as_suffix is not supported");
        break;
      case 35:
        model.byte_fallback = reader.integer(field) != 0;
        break;
      case 41:
        model.bos = id(reader.integer(field));
        break;
      case 42:
        model.eos = id(reader.integer(field));
        break;
      case 43:
        model.pad = id(reader.integer(field));
        break;
      default:
        break;
    }
  }
}

void read_preparation(WireReader reader, SentencePieceModel& model, std::string_view where) {
  for (WireField field; reader.next(field);) {
    if (field.number == 2) model.charsmap = std::string(reader.text(field));
    if (field.number == 3) model.add_dummy_prefix = reader.integer(field) != 0;
    if (field.number == 4) model.remove_extra_whitespaces = reader.integer(field) != 0;
    if (field.number == 5 && reader.integer(field) == 0)
      user_fail(where, "escape_whitespaces: expected true but received false, which is not supported");
  }
}

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::string_view bytes, std::string_view where) {
  SentencePieceModel model;
  WireReader reader(bytes, where, 0);
  for (WireField field; reader.next(field);) {
    if (field.number == 1) {
      if (model.pieces.size() == kMostPieces) reader.broken("at most 10,000,000 pieces");
      model.pieces.push_back(read_piece(reader.inside(field)));
    } else if (field.number == 2) {
      read_trainer(reader.inside(field), model, where);
    } else if (field.number == 3) {
      read_preparation(reader.inside(field), model, where);
    }
  }
  if (model.pieces.empty()) reader.broken("pieces");
  return model;
}

}  // namespace limbeck::text
