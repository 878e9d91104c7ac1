#!/usr/bin/env python3
"""What Transformers makes of a folder that `limbeck export --weights=int8` wrote, beside what Limbeck makes of it.
   check_int8_folder.py build/release/limbeck MODEL TEXTS.txt      (MODEL: an encoder with a head for classes)
Needs transformers, torch and compressed-tensors (pip); prints the largest difference of a probability and how often labels agree."""
import importlib.metadata
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers

limbeck, model, texts = sys.argv[1:4]
lines = [line for line in pathlib.Path(texts).read_text(encoding="utf-8").splitlines() if line.strip()]


def by_limbeck(folder, work):
    source, out = work / "texts.jsonl", work / "labels.jsonl"
    source.write_text("".join(json.dumps({"text": line}) + "\n" for line in lines), encoding="utf-8")
    subprocess.run([limbeck, "predict", f"--model={folder}", f"--input={source}", "--text=text", "--precision=fp32", f"--out={out}"],
                   check=True, capture_output=True)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return torch.tensor([list(row["probabilities"].values()) for row in rows])


def by_transformers(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    encoder, loading = transformers.AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not loading["missing_keys"] and not loading["unexpected_keys"], loading
    encoder.eval()
    with torch.no_grad():
        return torch.cat([encoder(**tokenizer([line], return_tensors="pt")).logits.softmax(1) for line in lines])


def row(name, a, b):
    print(f"{name}: largest difference of a probability {(a - b).abs().max():.4f}, mean {(a - b).abs().mean():.4f}, "
          f"same label {(a.argmax(1) == b.argmax(1)).float().mean():.4f}")


with tempfile.TemporaryDirectory() as name:
    work = pathlib.Path(name)
    subprocess.run([limbeck, "export", f"--model={model}", "--weights=int8", f"--out={work / 'int8'}"], check=True, capture_output=True)
    ours, theirs, whole = by_limbeck(work / "int8", work), by_transformers(work / "int8"), by_transformers(model)
print(f"{len(lines)} texts; transformers {transformers.__version__}, compressed-tensors {importlib.metadata.version('compressed-tensors')}")
row("int8 by Limbeck, int8 by Transformers", ours, theirs)
row("int8 by Limbeck, fp32 by Transformers", ours, whole)
row("int8 by Transformers, fp32 by Transformers", theirs, whole)
