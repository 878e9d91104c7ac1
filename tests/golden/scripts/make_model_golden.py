"""Writes tests/golden/models/variants.json and smollm2.json: logits and gradients as Transformers computes them in fp32.

    python tests/golden/scripts/make_model_golden.py [path/to/SmolLM2-135M-Instruct.Q4_1.gguf]

Needs torch, transformers (5.23 made the files here), accelerate and gguf. The weights of the small models come from a formula that
tests/models/formula_weights.h computes too, so that no weights are stored.
"""
import json
import os
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "models")
torch.set_num_threads(2)


def hash_name(name):  # FNV-1a
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def formula(name, shape):
    """splitmix64 of (hash of the name + index), its top 24 bits as a uniform number of [-1, 1), exact in fp32."""
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(hash_name(name)) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    u = u.reshape(shape)
    return (1 + u / 4 if name.endswith("norm.weight") else u / 4).astype(np.float32)


BASE = dict(model_type="llama", vocab_size=61, hidden_size=64, intermediate_size=96, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5,
            hidden_act="silu", tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)
VARIANTS = {
    "llama grouped queries": {},
    "llama one group per head, tied": dict(num_key_value_heads=4, tie_word_embeddings=True),
    "llama one group for all heads": dict(num_key_value_heads=1, rms_norm_eps=1e-2),
    "llama with biases": dict(attention_bias=True, mlp_bias=True),
    "llama with its own head size": dict(head_dim=24, rope_theta=500.0),
    "llama linear": dict(rope_scaling={"type": "linear", "factor": 4.0}, rope_theta=1000.0),
    "llama dynamic": dict(rope_scaling={"rope_type": "dynamic", "factor": 2.0}, max_position_embeddings=16),
    "llama dynamic within its context": dict(rope_scaling={"rope_type": "dynamic", "factor": 2.0}),
    "llama llama3": dict(rope_parameters={"rope_type": "llama3", "rope_theta": 5000.0, "factor": 8.0,
                                          "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                          "original_max_position_embeddings": 32}),
    "llama yarn": dict(rope_parameters={"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0,
                                        "original_max_position_embeddings": 16}),
    "llama yarn with its own ramp and attention factor": dict(
        rope_scaling={"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 32, "beta_fast": 16.0,
                      "beta_slow": 2.0, "attention_factor": 1.3, "truncate": False}),
    "llama yarn with mscale": dict(
        rope_scaling={"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 32, "mscale": 1.0,
                      "mscale_all_dim": 0.5}),
    "mistral with a window": dict(model_type="mistral", sliding_window=7, head_dim=24),
    "mistral without a window": dict(model_type="mistral", sliding_window=None),
    "qwen2": dict(model_type="qwen2", rope_theta=1000000.0, tie_word_embeddings=True),
    "qwen2 with a window in its upper layers": dict(model_type="qwen2", use_sliding_window=True, sliding_window=5,
                                                    max_window_layers=1),
}


def numbers(tensor):
    return [float(f"{x:.8g}") for x in tensor.flatten().tolist()]


def variant(name, changes):
    config_dict = {**BASE, **changes}
    config = CONFIG_MAPPING[config_dict["model_type"]].from_dict(dict(config_dict))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).float().train()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(formula(parameter_name, tuple(parameter.shape))))
    rng = np.random.default_rng(7)
    ids = rng.integers(0, config.vocab_size, 40)
    logits = model(torch.from_numpy(ids)[None]).logits[0]
    loss = torch.nn.functional.cross_entropy(logits[:-1], torch.from_numpy(ids)[1:], reduction="sum")
    loss.backward()
    gradients = {n: float(f"{p.grad.norm().item():.8g}") for n, p in model.named_parameters()}
    saved = json.loads(config.to_json_string(use_diff=False))
    # What no test reads and every release changes.
    for key in [k for k, v in saved.items() if v is None or k in ("transformers_version", "id2label", "label2id")]:
        if key != "sliding_window":
            saved.pop(key)
    return dict(name=name, config=config_dict, saved_config=saved, ids=ids.tolist(), logits=numbers(logits.detach()),
                loss=float(f"{loss.item():.9g}"), gradient_norms=gradients)


def smollm2(path):
    folder, file = os.path.split(path)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    texts = ["The capital of France is Paris. The capital of Italy is",
             "def add(a, b):\n    return a + b\n\ndef subtract(a, b):\n    return",
             "<|im_start|>user\nIf Ann has 3 apples and buys 12 more, how many has she?<|im_end|>\n<|im_start|>assistant\n"]
    rows = []
    for text in texts:
        ids = tokenizer(text)["input_ids"]
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0]
        positions = sorted({0, len(ids) // 2, len(ids) - 1})
        at = []
        for position in positions:
            values, indices = logits[position].topk(8)
            at.append(dict(position=position, ids=indices.tolist(), values=numbers(values),
                           logsumexp=float(f"{logits[position].logsumexp(0).item():.8g}"),
                           first_values=numbers(logits[position][:8])))
        rows.append(dict(text=text, ids=ids, at=at))
    return rows


def write(name, value):
    with open(os.path.join(OUT, name), "w") as f:
        json.dump(value, f, indent=None, separators=(",", ":"))
        f.write("\n")


os.makedirs(OUT, exist_ok=True)
write("variants.json", [variant(name, changes) for name, changes in VARIANTS.items()])
default = os.path.expanduser("~/.cache/limbeck/models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
write("smollm2.json", smollm2(sys.argv[1] if len(sys.argv) > 1 else default))
