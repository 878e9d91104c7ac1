"""Writes tests/golden/models/minilm.json: sentence embeddings of all-MiniLM-L6-v2 as sentence-transformers computes them (the mean of the
last states, then length 1; texts cut to 256 tokens).

    python tests/golden/scripts/make_sentence_golden.py [FOLDER of all-MiniLM-L6-v2]

Needs torch and transformers (5.23 made the file here); the two steps above are all that sentence-transformers adds.
"""
import json
import os
import sys

import torch
from transformers import AutoModel, AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
folder = sys.argv[1] if len(sys.argv) > 1 else os.path.expanduser("~/.cache/limbeck/models/minilm")
TEXTS = [
    "A man is playing a guitar.",
    "Somebody plays an instrument.",
    "The stock market fell sharply on Monday; analysts blamed rising interest rates.",
    "Élan, naïveté — 東京 and 100 % of ½ cups?!",
    "",
    "one two three four five six seven " * 60,
]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
rows = []
for text in TEXTS:
    inputs = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        mean = model(**inputs).last_hidden_state[0].mean(0)
    vector = torch.nn.functional.normalize(mean, dim=0)
    rows.append(dict(text=text, tokens=inputs["input_ids"].shape[1], embedding=[float(f"{x:.7g}") for x in vector.tolist()]))
with open(os.path.join(HERE, "..", "models", "minilm.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) for row in rows) + "\n]\n")
