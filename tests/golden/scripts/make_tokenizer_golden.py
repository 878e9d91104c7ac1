#!/usr/bin/env python3
"""Writes tests/golden/text: the corpus and what the `tokenizers` library makes of it.

    python tests/golden/scripts/make_tokenizer_golden.py tests/golden/text SMOLLM2.gguf GPT2_FOLDER

  corpus.txt        a text a line; \\\\ \\n \\r stand for a backslash and the two line breaks; other bytes as they are
  NAME.crc32        4 bytes a text (little-endian): CRC-32 of its ids as little-endian 32-bit integers
  NAME/             tokenizer files (small vocabularies trained here on the corpus; SmolLM2 and GPT-2 are read from elsewhere)
  samples.json      ids in full of some texts, and what ids decode to
Bytes that are not UTF-8 reach the library as bytes.decode(errors="replace").
"""
import json
import os
import random
import sys
import zlib

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_corpus import texts
from tokenizer_sources import finished, gpt2, smollm2

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def split(regex):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def trained(corpus, pre_tokenizer, size, alphabet, drop_merges=0.0, **model):
    """A vocabulary of our own; dropping merges leaves tokens that only ignore_merges can reach."""
    tokenizer = finished(Tokenizer(models.BPE()), pre_tokenizer)
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False, max_token_length=24)
    tokenizer.train_from_iterator(corpus, trainer)
    trained_model = json.loads(tokenizer.to_str())["model"]
    r = random.Random(1)
    merges = [tuple(m) for m in trained_model["merges"] if r.random() >= drop_merges]
    return finished(Tokenizer(models.BPE(trained_model["vocab"], merges, **model)), pre_tokenizer)


def llama3(corpus):
    tokenizer = trained(corpus, split(LLAMA3), 2000, pre_tokenizers.ByteLevel.alphabet(), 0.08, ignore_merges=True)
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|im_end|>"]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in names])
    bos = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                                      special_tokens=[("<|begin_of_text|>", bos)])])
    return tokenizer


def qwen2(corpus):
    tokenizer = trained(corpus, split(QWEN2), 2000, pre_tokenizers.ByteLevel.alphabet())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False)
                                  for t in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")])
    tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False), AddedToken("<tool_call>x", normalized=False),
                          AddedToken("A\u030angstro\u0308m", normalized=True), AddedToken("\u0301", normalized=False)])
    return tokenizer


def marked(corpus):
    """Everything that added tokens can be told, a prefix space, a vocabulary without some bytes, and a token for those."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    rare = set(pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str("\u0e01\u00ad\x07")[0][0][-4:])
    tokenizer = finished(Tokenizer(models.BPE()), pre_tokenizers.ByteLevel(add_prefix_space=True))
    without = [t for t in corpus if not rare & set(pre_tokenizers.ByteLevel(use_regex=False).pre_tokenize_str(t + "x")[0][0])]
    tokenizer.train_from_iterator(without, trainers.BpeTrainer(
        vocab_size=1000, initial_alphabet=[a for a in alphabet if a not in rare], show_progress=False,
        special_tokens=["<unk>"], max_token_length=16))
    saved = json.loads(tokenizer.to_str())["model"]
    tokenizer = finished(Tokenizer(models.BPE(saved["vocab"], [tuple(m) for m in saved["merges"]], unk_token="<unk>", fuse_unk=True)),
                         pre_tokenizers.ByteLevel(add_prefix_space=True))
    tokenizer.normalizer = normalizers.NFC()
    special = dict(special=True, normalized=False)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", **special), AddedToken("[MASK]", lstrip=True, **special),
                                  AddedToken("<|im_start|>", rstrip=True, **special), AddedToken("<|im_end|>", lstrip=True, rstrip=True, **special)])
    tokenizer.add_tokens([AddedToken("word", single_word=True, normalized=False), AddedToken("<mark>", single_word=True, lstrip=True, normalized=False),
                          AddedToken("<tool>", rstrip=True, normalized=True), AddedToken("longest", normalized=False),
                          AddedToken("longest match", normalized=False), AddedToken("<é>", normalized=True), AddedToken("Ångström", lstrip=True, normalized=True),
                          AddedToken("user", single_word=True, rstrip=True, normalized=True)])
    bos, eos = tokenizer.token_to_id("<|endoftext|>"), tokenizer.token_to_id("[MASK]")
    tokenizer.post_processor = processors.TemplateProcessing(single="<|endoftext|> $A [MASK]", pair="$A $B:1",
                                                             special_tokens=[("<|endoftext|>", bos), ("[MASK]", eos)])
    return tokenizer


def main():
    out, gguf_path, gpt2_folder = sys.argv[1:]
    corpus = texts()
    escape = lambda t: t.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    with open(os.path.join(out, "corpus.txt"), "wb") as file:
        file.writelines(escape(t) + b"\n" for t in corpus)
    strings = [t.decode(errors="replace") for t in corpus]
    short = [s for s in strings if len(s) < 200]
    tokenizers = {"smollm2": smollm2(gguf_path), "gpt2": gpt2(gpt2_folder), "llama3": llama3(short), "qwen2": qwen2(short),
                  "marked": marked(short)}
    r = random.Random(2)
    chosen = sorted(r.sample(range(len(corpus)), 300))
    samples = {"texts": [], "decoded": []}
    for name, tokenizer in tokenizers.items():
        if name not in ("smollm2", "gpt2"):
            os.makedirs(os.path.join(out, name), exist_ok=True)
            tokenizer.save(os.path.join(out, name, "tokenizer.json"), pretty=False)
        ids = [e.ids for e in tokenizer.encode_batch(strings)]
        sums = np.array([zlib.crc32(np.array(i, "<u4").tobytes()) for i in ids], "<u4")
        sums.tofile(os.path.join(out, name + ".crc32"))
        for i in chosen:
            if len(ids[i]) < 100:
                samples["texts"].append({"tokenizer": name, "line": i + 1, "ids": ids[i]})
        if name not in ("smollm2", "gpt2"):
            size = tokenizer.get_vocab_size()
            for k in range(60):  # any ids: broken characters, special tokens, ids past the end
                some = [r.randrange(size + 3) if r.random() < 0.5 else r.randrange(300) for _ in range(r.randrange(1, 12))]
                skip = k % 2 == 0
                samples["decoded"].append({"tokenizer": name, "ids": some, "skip_special": skip,
                                           "text": tokenizer.decode(some, skip_special_tokens=skip)})
        print(name, tokenizer.get_vocab_size(), sum(map(len, ids)))
    with open(os.path.join(out, "samples.json"), "w") as file:
        rows = lambda key: ",\n".join(json.dumps(s) for s in samples[key])
        file.write('{"texts": [\n' + rows("texts") + '\n],\n"decoded": [\n' + rows("decoded") + "\n]}\n")


main()
