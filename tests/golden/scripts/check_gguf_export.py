#!/usr/bin/env python3
"""Files that `limbeck export` writes, opened by llama.cpp: the same greedy text as ours, and the same log-probabilities.

    check_gguf_export.py build/release/limbeck      (llama-cpp-python, numpy; the demo's model from scripts/setup)

Ours is the same file with fp32 products. llama.cpp multiplies blocks with activations that it rounds to 8 bits, so it gives other numbers
than the weights alone would; with 4-bit weights that is enough to turn a greedy text of so small a model, and only the log-probabilities
of a given text are held to a bound there. Prints a table; exits with 1 where a bound or a text does not hold.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import llama_cpp
import numpy as np

PROMPTS = ["The capital of France is", "def add(a, b):\n    return", "Once upon a time, there was a"]
TEXT = ("A farmer has 12 hens and each of them lays 4 eggs a day. He sells 20 eggs at the market and keeps the rest for his family. "
        "How many eggs does he keep? He has 12 times 4 eggs, which is 48, less the 20 that he sells.")
BOUNDS = {"f32": 0.01, "f16": 0.01, "bf16": 0.03, "q8_0": 0.1, "q4_0": 0.15}  # of the mean difference of log-probabilities
TOKENS = 24


def run(*arguments):
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


def peers_log_probs(peer, ids):
    peer.reset()
    peer.eval(ids)
    logits = np.array(peer.scores[:len(ids) - 1], dtype=np.float64)
    top = logits.max(axis=1, keepdims=True)
    log_probs = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return log_probs[np.arange(len(ids) - 1), ids[1:]]


def main():
    program = sys.argv[1]
    deps = pathlib.Path(os.environ.get("LIMBECK_DEPS", pathlib.Path.home() / ".cache" / "limbeck"))
    model = deps / "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    bad = False
    with tempfile.TemporaryDirectory() as folder:
        texts, scores = f"{folder}/texts.jsonl", f"{folder}/scores.jsonl"
        pathlib.Path(texts).write_text(json.dumps({"text": TEXT}) + "\n")
        for kind, bound in BOUNDS.items():
            file = f"{folder}/{kind}.gguf"
            run(program, "export", f"--model={model}", f"--out={file}", f"--type={kind}")
            peer = llama_cpp.Llama(model_path=file, n_ctx=256, n_threads=2, verbose=False, logits_all=True)
            run(program, "score", f"--model={file}", f"--input={texts}", f"--out={scores}")
            ours = json.loads(pathlib.Path(scores).read_text())
            same_ids = peer.tokenize(TEXT.encode(), add_bos=False) == ours["ids"]
            difference = np.abs(peers_log_probs(peer, ours["ids"]) - np.array(ours["log_probs"][1:])).mean()
            same = 0
            for prompt in PROMPTS:
                text = run(program, "generate", f"--model={file}", f"--prompt={prompt}", "--temperature=0", "--precision=fp32",
                           f"--max-new-tokens={TOKENS}").removesuffix("\n")
                theirs = peer.create_completion(prompt, max_tokens=TOKENS, temperature=0)["choices"][0]["text"]
                same += text == theirs
            holds = same_ids and difference < bound and (kind == "q4_0" or same == len(PROMPTS))
            bad = bad or not holds
            print(f"{kind:5} {os.path.getsize(file) / 1e6:7.1f} MB  ids {'equal' if same_ids else 'differ'}  "
                  f"log-probabilities differ by {difference:.4f} (bound {bound})  {same} of {len(PROMPTS)} greedy texts equal"
                  f"{'' if holds else '  FAILED'}", flush=True)
            del peer
    sys.exit(bad)


if __name__ == "__main__":
    main()
