"""Training steps as the rows of training measure them: `limbeck train` by its own log, Transformers in the loop that its users write.

The first steps of a process are left out: they take memory from the system, and torch.compile compiles.
"""
import json
import os
import statistics
import tempfile
import time

import measure
import weights

WORDS = "water five apples were put into a basket and then nine of them went to the neighbours".split()


def write_texts(file, count, length):
    """Texts of at least so many tokens, each of other words."""
    state = 1
    with open(file, "w") as out:
        for _ in range(count):
            text = []
            for _ in range(length):
                state = state * 1103515245 % 2**31
                text.append(WORDS[(state >> 8) % len(WORDS)])
            out.write(json.dumps({"text": " ".join(text)}) + "\n")


def result(steps, peak):
    """steps: [(tokens, seconds)] without the first ones."""
    tokens, seconds = map(sum, zip(*steps))
    return {"rate": tokens / seconds, "peak": peak, "step seconds": round(statistics.median(s for _, s in steps), 3), "steps": len(steps)}


def limbeck(data, skipped, *options, model=None):
    """Steps and peak memory of `limbeck train`."""
    with tempfile.TemporaryDirectory() as folder:
        done = measure.run([measure.PROGRAM, "train", f"--model={model or weights.folder()}", f"--data={data}", f"--out={folder}/run",
                            *options])
        rows = [json.loads(line) for line in open(f"{folder}/run/log.jsonl")]
    steps = [(row["tokens"], row["seconds"]) for row in rows if row["kind"] == "step"]
    return steps[skipped:], done.peak


def load(layers=0):
    """The model in fp32; `layers`: a slice of so many evenly spaced ones, as limbeck train --layers makes."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(weights.folder(), dtype=torch.float32)
    model.config.use_cache = False
    if layers:
        kept = evenly_spaced(len(model.model.layers), layers)
        model.model.layers = torch.nn.ModuleList([model.model.layers[i] for i in kept])
        model.config.num_hidden_layers = layers
        for i, layer in enumerate(model.model.layers):
            layer.self_attn.layer_idx = i
    return model


def evenly_spaced(every, layers):
    """The ends and what lies evenly between, rounded to the nearest, as limbeck train --layers."""
    return [(2 * i * (every - 1) + layers - 1) // (2 * (layers - 1)) for i in range(layers)] if layers > 1 else [0]


def transformers(model, batches, skipped, loss_of, precision="bf16"):
    """AdamW (fused), clipping, one batch a step; loss_of(batch) -> loss; batches: [(useful tokens, batch)]."""
    import torch

    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.1, fused=True)
    steps = []
    with measure.PeakMemory(os.getpid()) as memory:
        for tokens, batch in batches:
            begun = time.perf_counter()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
                loss = loss_of(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            loss.item()
            steps.append((tokens, time.perf_counter() - begun))
    return steps[skipped:], memory.bytes
