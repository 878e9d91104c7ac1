#!/usr/bin/env python3
"""Training steps of SmolLM2-135M (8 texts of 256 tokens, AdamW, clipping): Limbeck beside Transformers.

The sides take turns in processes of their own, so that a busy minute hits all of them; the first step of a process is left
out; the table has the median step, its spread and the peak memory of the process.

  benchmarks/train/steps.py [--rounds=3] [--steps=4] [--batch=8] [--length=256] [--program=build/release/limbeck]

The Python that runs this needs torch and transformers (scripts/setup --peers).
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

SMOLLM2 = dict(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
               num_key_value_heads=3, max_position_embeddings=8192, rope_theta=100000.0, tie_word_embeddings=True)


def peer(precision, steps, batch, length):
    """Times steps of Transformers with random weights of the same shape; prints JSON."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**SMOLLM2)).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.1, fused=True)
    seconds = []
    for _ in range(steps + 1):
        ids = torch.randint(0, SMOLLM2["vocab_size"], (batch, length))
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        loss.item()
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds[1:]))


def measure(command, env=None):
    """Runs a command; its output and its peak memory in bytes."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    out, error = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command}\n{error.decode()}")
    return out.decode(), usage.ru_maxrss * 1024


def limbeck(program, model, precision, steps, batch, length, folder):
    data = folder / "texts.jsonl"
    if not data.exists():
        words = "water five apples were put into a basket and then nine of them went to the neighbours".split()
        state = 1
        with data.open("w") as file:
            for _ in range(batch * (steps + 1)):
                text = []
                for _ in range(2 * length):
                    state = state * 1103515245 % 2**31
                    text.append(words[(state >> 8) % len(words)])
                file.write(json.dumps({"text": " ".join(text)}) + "\n")
    out = folder / f"run-{time.monotonic_ns()}"
    _, memory = measure([program, "train", f"--model={model}", f"--data={data}", f"--out={out}", f"--precision={precision}",
                         f"--text.max-length={length}", "--text.overflow=truncate", f"--train.batch-size={batch}",
                         f"--train.max-steps={steps + 1}", f"--train.micro-batch-tokens={batch * length}"])
    rows = [json.loads(line) for line in (out / "log.jsonl").open()]
    seconds = [row["seconds"] for row in rows if row["kind"] == "step"]
    subprocess.run(["rm", "-rf", out], check=True)
    return seconds[1:], memory


def main():
    parser = argparse.ArgumentParser()
    root = pathlib.Path(__file__).resolve().parents[2]
    deps = pathlib.Path(os.environ.get("LIMBECK_DEPS", pathlib.Path.home() / ".cache" / "limbeck"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--program", default=str(root / "build/release/limbeck"))
    parser.add_argument("--model", default=str(deps / "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))
    parser.add_argument("--sides", default="limbeck-bf16,limbeck-fp32,transformers-bf16,transformers-fp32")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.peer:
        return peer(a.peer, a.steps, a.batch, a.length)

    sides = a.sides.split(",")
    seconds, memory = {side: [] for side in sides}, {side: 0 for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(a.rounds):
            for side in sides:
                name, precision = side.split("-")
                if name == "limbeck":
                    times, peak = limbeck(a.program, a.model, precision, a.steps, a.batch, a.length, pathlib.Path(folder))
                else:
                    out, peak = measure([sys.executable, __file__, f"--peer={precision}", f"--steps={a.steps}",
                                         f"--batch={a.batch}", f"--length={a.length}"])
                    times = json.loads(out)
                seconds[side] += times
                memory[side] = max(memory[side], peak)
    medians = {side: statistics.median(values) for side, values in seconds.items()}
    print(f"{'':20}{'s a step':>10}{'fastest':>10}{'slowest':>10}{'tokens/s':>10}{'times':>8}{'peak GiB':>10}")
    for side in sides:
        median, ours = medians[side], medians.get("limbeck-" + side.split("-")[1])  # Limbeck at the same precision
        ratio = f"{median / ours:8.2f}" if ours else f"{'':8}"
        print(f"{side:20}{median:10.2f}{min(seconds[side]):10.2f}{max(seconds[side]):10.2f}"
              f"{a.batch * a.length / median:10.0f}{ratio}{memory[side] / 2**30:10.2f}")
    print(f"load average at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
