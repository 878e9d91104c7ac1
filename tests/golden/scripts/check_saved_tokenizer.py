#!/usr/bin/env python3
"""Opens a tokenizer folder that Limbeck wrote in Transformers and compares its ids with those of the tokenizer it came from.

    python check_saved_tokenizer.py SAVED_FOLDER ORIGINAL_FOLDER     exit code 0 when every text has the same ids
"""
import sys

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from tokenizer_corpus import texts

saved = AutoTokenizer.from_pretrained(sys.argv[1])
original = Tokenizer.from_file(sys.argv[2] + "/tokenizer.json")
strings = [t.decode(errors="replace") for t in texts()]
wrong = sum(a != b.ids for a, b in zip(saved(strings)["input_ids"], original.encode_batch(strings)))
print(f"{len(strings)} texts, {wrong} with other ids")
sys.exit(1 if wrong else 0)
