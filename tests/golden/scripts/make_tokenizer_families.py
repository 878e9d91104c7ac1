#!/usr/bin/env python3
"""Writes tests/golden/text/families: small tokenizers of every family, and what the `tokenizers` library makes of the corpus with
them and with the published vocabularies that are at hand (tokenizer_families.py, tokenizer_sources.py).

    python tests/golden/scripts/make_tokenizer_families.py tests/golden/text/families

  NAME/tokenizer.json  (spm/tokenizer.model: a SentencePiece file)
  NAME.crc32    4 bytes (little-endian) for each 16 texts of ../corpus.txt: CRC-32 of their ids as little-endian 32-bit integers,
                -1 after each text
  samples.json  what some ids decode to, pairs of texts with type ids, and batches that are cut and padded
"""
import json
import os
import random
import sys
import zlib

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers

import tokenizer_families as families
from tokenizer_corpus import texts

BLOCK = 16


def spm_bytes(pieces, **settings):
    """A SentencePiece file: (text, score, kind) of each piece."""
    from transformers.convert_slow_tokenizer import import_protobuf
    proto = import_protobuf().ModelProto()
    for text, score, kind in pieces:
        proto.pieces.add(piece=text, score=score, type=kind)
    proto.trainer_spec.model_type = 2
    proto.trainer_spec.byte_fallback = True
    proto.trainer_spec.unk_id, proto.trainer_spec.bos_id, proto.trainer_spec.eos_id = 0, 1, 2
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.remove_extra_whitespaces = False
    return proto.SerializeToString()


def spm(corpus, folder):
    """The vocabulary of llama2 as a SentencePiece file, and the tokenizer that Transformers would make of it."""
    from transformers.convert_slow_tokenizer import generate_merges
    source = families.model_of(families.llama2(corpus))
    vocabulary = sorted(source["vocab"], key=source["vocab"].get)
    kinds = [2, 3, 3] + [6] * 256
    pieces = [(t, 0.0 if i < len(kinds) else -float(i - len(kinds)), kinds[i] if i < len(kinds) else 1) for i, t in enumerate(vocabulary)]
    with open(os.path.join(folder, "tokenizer.model"), "wb") as file:
        file.write(spm_bytes(pieces))
    ids = {t: i for i, t in enumerate(vocabulary)}
    merges = generate_merges(ids, {t: s for t, s, _ in pieces})
    tokenizer = Tokenizer(models.BPE(ids, merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = families.fallback_decoder(True)
    tokenizer.add_special_tokens(families.special("<unk>", "<s>", "</s>"))
    tokenizer.post_processor = families.template("<s> $A", "<s> $A <s>:1 $B:1", ("<s>", 1))
    return tokenizer


def checksums(encoded):
    sums = []
    for at in range(0, len(encoded), BLOCK):
        ids = [i for e in encoded[at:at + BLOCK] for i in e.ids + [-1]]
        sums.append(zlib.crc32(np.array(ids, "<i4").tobytes()))
    return np.array(sums, "<u4")


def main():
    out = sys.argv[1]
    strings = [t.decode(errors="replace") for t in texts()]
    short = [s for s in strings if len(s) < 200]
    samples = {"decoded": [], "pairs": [], "batches": []}
    rows = {name: make() for name, (make, path) in families.REAL.items() if os.path.exists(path)}
    for make in families.SMALL + [spm]:
        name = make.__name__
        folder = os.path.join(out, name)
        os.makedirs(folder, exist_ok=True)
        rows[name] = make(short, folder) if make is spm else make(short)
        if make is families.cased:
            rows[name].enable_truncation(24, stride=4)
            rows[name].enable_padding(length=None, pad_to_multiple_of=8, pad_id=0)
        if make is not spm:
            rows[name].save(os.path.join(folder, "tokenizer.json"), pretty=False)
    for number, (name, tokenizer) in enumerate(rows.items()):
        r = random.Random(number)
        for _ in range(12 if tokenizer.truncation else 0):
            chosen = [r.choice(short) for _ in range(6)]
            pairs = [(chosen[0], chosen[1]), (chosen[2], chosen[3])] if r.random() < 0.5 else [chosen[4], chosen[5]]
            samples["batches"].append({"tokenizer": name, "texts": pairs, "encodings": [
                {"ids": e.ids, "type_ids": e.type_ids, "mask": e.attention_mask} for e in tokenizer.encode_batch(pairs)]})
        tokenizer.no_truncation()
        tokenizer.no_padding()
        encoded = tokenizer.encode_batch(strings)
        checksums(encoded).tofile(os.path.join(out, name + ".crc32"))
        size = tokenizer.get_vocab_size()
        for k in range(20):  # any ids: broken characters, special tokens, ids past the end
            some = [r.randrange(size + 3) if r.random() < 0.6 else r.randrange(min(size, 300)) for _ in range(r.randrange(1, 12))]
            skip = k % 2 == 0
            samples["decoded"].append({"tokenizer": name, "ids": some, "skip_special": skip, "text": tokenizer.decode(some, skip_special_tokens=skip)})
        for _ in range(10):
            one, two = r.choice(short), r.choice(short)
            both = tokenizer.encode(one, two)
            samples["pairs"].append({"tokenizer": name, "texts": [one, two], "ids": both.ids, "type_ids": both.type_ids})
        print(name, size, sum(len(e.ids) for e in encoded), flush=True)
    with open(os.path.join(out, "samples.json"), "w") as file:
        file.write("{" + ",\n".join(json.dumps(key) + ": [\n" + ",\n".join(json.dumps(s) for s in list_) + "\n]" for key, list_ in samples.items()) + "}\n")


main()
