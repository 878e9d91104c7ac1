#!/usr/bin/env python3
"""Writes tests/golden/text/trained.json: vocabularies that the `tokenizers` library learns from tests/golden/text/corpus.txt.

    python tests/golden/scripts/make_trained_tokenizers.py tests/golden/text/trained.json
"""
import json
import pathlib
import sys

from tokenizer_trainers import tokens_of, train

lines = (pathlib.Path(sys.argv[1]).parent / "corpus.txt").read_bytes().decode(errors="replace").split("\n")
texts = [line for line in lines if line.strip(" \t\r\n")]
out = {}
# Limits at which no two characters that occur equally often are on different sides: the library breaks such ties at random.
for name, settings in {"wordpiece, 303 characters": {"kind": "wordpiece", "vocab_size": 1500, "limit": 303},
                       "wordpiece, cased, 120 characters": {"kind": "wordpiece", "vocab_size": 700, "limit": 120, "lowercase": False},
                       "bpe": {"kind": "bpe", "vocab_size": 1200, "min_frequency": 3}}.items():
    tokenizer = train(texts=texts, **settings)
    out[name] = {"settings": settings, "tokens": tokens_of(tokenizer)}
    if settings["kind"] == "bpe":
        out[name]["merges"] = json.loads(tokenizer.to_str())["model"]["merges"]
    print(name, len(out[name]["tokens"]))
json.dump(out, open(sys.argv[1], "w", encoding="utf-8"), ensure_ascii=False, indent=0)
