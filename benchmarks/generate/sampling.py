#!/usr/bin/env python3
"""Tokens sampled per second from SmolLM2-135M: `limbeck generate` beside Transformers, with the prompt's time inside.

  many    a prompt of 231 tokens, 64 samples of 32 tokens, temperature 0.8
  single  the same prompt, 1 sample of 128 tokens (as in a chat)

The sides take turns in processes of their own, so that a busy minute hits all of them. Loading the model is not counted on either
side; a first run that warms up is left out for Transformers only, since each of ours is a process of its own. "ratio" compares with
Limbeck at the same precision. Each side is given the same prompt and ends samples at the end-of-text token;
what is counted is the tokens that came out.

  benchmarks/generate/sampling.py [--rounds=3] [--cases=many,single] [--sides=limbeck-bf16,transformers-bf16,...]

The Python that runs this, or the one that LIMBECK_PEERS_PYTHON names, needs torch, transformers, accelerate and gguf
(scripts/setup --peers).
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

CASES = {"many": dict(samples=64, tokens=32), "single": dict(samples=1, tokens=128)}
PROMPT_TOKENS = 231
EXAMPLE = """Question: A farmer has 12 hens and each of them lays 4 eggs a day. He sells 20 eggs at the market and keeps the rest for his
family. How many eggs does he keep?
Program:
hens = 12
eggs_each = 4
sold = 20
answer = hens * eggs_each - sold

"""


def load(model, precision):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, file = os.path.split(model)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    return tokenizer, AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=dtype).eval()


def prompt_text(tokenizer):
    """A text that is exactly PROMPT_TOKENS tokens long, read again."""
    ids = tokenizer(EXAMPLE * 8)["input_ids"]
    for cut in range(PROMPT_TOKENS, PROMPT_TOKENS + 20):
        text = tokenizer.decode(ids[len(ids) - cut:])
        if len(tokenizer(text)["input_ids"]) == PROMPT_TOKENS:
            return text
    sys.exit("no cut of the example text has the wanted number of tokens")


def transformers(model, precision, case, repeats, prompt):
    """Prints [[tokens, seconds], ...]."""
    import torch

    tokenizer, network = load(model, precision)
    ids = tokenizer(prompt, return_tensors="pt")
    rows = []
    for repeat in range(repeats + 1):
        torch.manual_seed(repeat)
        start = time.perf_counter()
        with torch.inference_mode():
            out = network.generate(**ids, do_sample=True, temperature=0.8, top_k=0, top_p=1.0, max_new_tokens=CASES[case]["tokens"],
                                   num_return_sequences=CASES[case]["samples"], pad_token_id=0)
        seconds = time.perf_counter() - start
        new = out[:, ids["input_ids"].shape[1]:]
        tokens = sum((row.tolist() + [2]).index(2) for row in new)
        rows.append([tokens, seconds])
    print(json.dumps(rows[1:]))


def limbeck(program, model, precision, case, repeats, prompt_file, folder):
    rows = []
    for repeat in range(repeats):
        result = subprocess.run(
            [program, "generate", f"--model={model}", f"--prompt-file={prompt_file}", f"--num-samples={CASES[case]['samples']}",
             f"--max-new-tokens={CASES[case]['tokens']}", "--temperature=0.8", f"--seed={repeat}", f"--precision={precision}",
             f"--out={folder / 'samples.jsonl'}"], capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(result.stderr)
        tokens, seconds = re.search(r"(\d+) tokens in ([0-9.]+) s", result.stderr).groups()
        rows.append([int(tokens), float(seconds)])
    return rows


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    deps = pathlib.Path(os.environ.get("LIMBECK_DEPS", pathlib.Path.home() / ".cache" / "limbeck"))
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--program", default=str(root / "build/release/limbeck"))
    parser.add_argument("--model", default=str(deps / "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))
    parser.add_argument("--cases", default="many,single")
    parser.add_argument("--sides", default="limbeck-bf16,limbeck-fp32,transformers-bf16,transformers-fp32")
    parser.add_argument("--peer", help=argparse.SUPPRESS)  # precision,case
    parser.add_argument("--make-prompt", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--prompt-file", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.make_prompt:
        return pathlib.Path(a.prompt_file).write_text(prompt_text(load(a.model, "fp32")[0]))
    if a.peer:
        precision, case = a.peer.split(",")
        return transformers(a.model, precision, case, a.repeats, pathlib.Path(a.prompt_file).read_text())

    python = os.environ.get("LIMBECK_PEERS_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prompt_file = folder / "prompt.txt"
        own = [python, __file__, f"--model={a.model}", f"--prompt-file={prompt_file}", f"--repeats={a.repeats}"]
        subprocess.run(own + ["--make-prompt"], check=True, stderr=subprocess.DEVNULL)
        for case in a.cases.split(","):
            rates = {side: [] for side in a.sides.split(",")}
            for _ in range(a.rounds):
                for side in rates:
                    which, precision = side.split("-")
                    if which == "limbeck":
                        rows = limbeck(a.program, a.model, precision, case, a.repeats, prompt_file, folder)
                    else:
                        out = subprocess.run(own + [f"--peer={precision},{case}"], check=True, stdout=subprocess.PIPE,
                                             stderr=subprocess.DEVNULL, text=True).stdout
                        rows = json.loads(out)
                    rates[side] += [tokens / seconds for tokens, seconds in rows]
            medians = {side: statistics.median(values) for side, values in rates.items()}
            print(f"{case}: {CASES[case]['samples']} x {CASES[case]['tokens']} tokens after a prompt of {PROMPT_TOKENS}")
            print(f"{'':20}{'tokens/s':>10}{'slowest':>10}{'fastest':>10}{'ratio':>8}")
            for side, values in rates.items():
                median = statistics.median(values)
                ours = medians.get("limbeck-" + side.split("-")[1])  # Limbeck at the same precision
                ratio = f"{ours / median:8.2f}" if ours else ""
                print(f"{side:20}{median:10.1f}{min(values):10.1f}{max(values):10.1f}{ratio}")
            sys.stdout.flush()
    print(f"load average at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
