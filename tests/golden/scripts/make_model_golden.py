"""Writes tests/golden/models/variants.json, architectures.json and smollm2.json: logits and gradients as Transformers
computes them in fp32.

    python tests/golden/scripts/make_model_golden.py [path/to/SmolLM2-135M-Instruct.Q4_1.gguf]
    python tests/golden/scripts/make_model_golden.py --architectures     architectures.json alone

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

from formula import formula

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "models")
torch.set_num_threads(2)

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

# Architectures other than Llama's: smaller, as there are more of them.
SMALL = dict(vocab_size=37, num_hidden_layers=3, bos_token_id=1, eos_token_id=2)
GPT2 = dict(SMALL, model_type="gpt2", n_embd=32, n_layer=3, n_head=4, n_positions=64, resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0)
GPT_NEO = dict(SMALL, model_type="gpt_neo", hidden_size=32, num_layers=3, num_heads=4, max_position_embeddings=64,
               attention_types=[[["global", "local"], 1], [["local"], 1]], window_size=5)
GPTJ = dict(SMALL, model_type="gptj", n_embd=32, n_layer=3, n_head=2, n_positions=64, rotary_dim=6, resid_pdrop=0.0,
            embd_pdrop=0.0, attn_pdrop=0.0)
GPT_NEOX = dict(SMALL, model_type="gpt_neox", hidden_size=48, num_attention_heads=3, intermediate_size=80,
                max_position_embeddings=64)
QWEN3 = dict(SMALL, model_type="qwen3", hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2,
             head_dim=10, max_position_embeddings=64)
GEMMA2 = dict(SMALL, model_type="gemma2", hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2,
              head_dim=12, max_position_embeddings=64, sliding_window=5, query_pre_attn_scalar=20, pad_token_id=None,
              attn_logit_softcapping=3.0, final_logit_softcapping=4.0)
GEMMA3 = dict(SMALL, model_type="gemma3_text", hidden_size=32, intermediate_size=48, num_attention_heads=4,
              num_key_value_heads=1, head_dim=12, max_position_embeddings=64, sliding_window=5, query_pre_attn_scalar=16,
              pad_token_id=None)
for base in (GPT2, GPT_NEO, GPTJ):
    base.pop("num_hidden_layers")
ARCHITECTURES = {
    "gpt2": dict(GPT2),
    "gpt2 untied, with its own inner width and erf": dict(GPT2, tie_word_embeddings=False, n_inner=56,
                                                          activation_function="gelu"),
    "gpt2 with scores scaled by the number of the block": dict(GPT2, scale_attn_by_inverse_layer_idx=True),
    "gpt2 with unscaled scores": dict(GPT2, scale_attn_weights=False, activation_function="relu"),
    "gpt_neo": dict(GPT_NEO),
    "gpt_neo, all global, untied": dict(GPT_NEO, attention_types=[[["global"], 3]], tie_word_embeddings=False),
    "gptj": dict(GPTJ),
    "gptj, all of a head turns, quick gelu": dict(GPTJ, rotary_dim=16, n_inner=40, activation_function="quick_gelu"),
    "gpt_neox": dict(GPT_NEOX),
    "gpt_neox one after the other, all of a head turns": dict(GPT_NEOX, use_parallel_residual=False, rotary_pct=1.0,
                                                              rotary_emb_base=5000, tie_word_embeddings=True),
    "gpt_neox without biases of attention": dict(GPT_NEOX, attention_bias=False, hidden_act="gelu_new", rope_parameters={
        "rope_type": "linear", "rope_theta": 1000.0, "factor": 2.0, "partial_rotary_factor": 0.5}),
    "qwen3": dict(QWEN3),
    "qwen3 with biases and a window in its upper layers": dict(QWEN3, attention_bias=True, use_sliding_window=True,
                                                               sliding_window=5, max_window_layers=1,
                                                               tie_word_embeddings=True),
    "gemma2": dict(GEMMA2),
    "gemma2 without caps, with biases": dict(GEMMA2, attn_logit_softcapping=None, final_logit_softcapping=None,
                                             attention_bias=True, rope_parameters={"rope_type": "default",
                                                                                   "rope_theta": 500.0}),
    "gemma3": dict(GEMMA3, sliding_window_pattern=3),
    "gemma3 with its own list of layers, caps and linear positions": dict(
        GEMMA3, layer_types=["full_attention", "sliding_attention", "full_attention"], final_logit_softcapping=5.0,
        rope_theta=20000.0, rope_local_base_freq=500.0, rope_scaling={"rope_type": "linear", "factor": 4.0},
        tie_word_embeddings=False),
}
# Names that Transformers gives to parameters and that published files do not.
RENAMED = {"gpt_neox": {"lm_head.weight": "embed_out.weight"}}
NULL_MEANS_NONE = ("sliding_window", "attn_logit_softcapping", "final_logit_softcapping")


def numbers(tensor):
    return [float(f"{x:.8g}") for x in tensor.flatten().tolist()]


def variant(name, config_dict, length):
    config = CONFIG_MAPPING[config_dict["model_type"]].from_dict(dict(config_dict))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).float().train()
    renamed = RENAMED.get(config.model_type, {})
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            known = renamed.get(parameter_name, parameter_name)
            parameter.copy_(torch.from_numpy(formula(known, tuple(parameter.shape))))
    rng = np.random.default_rng(7)
    ids = rng.integers(0, config.vocab_size, length)
    logits = model(torch.from_numpy(ids)[None]).logits[0]
    loss = torch.nn.functional.cross_entropy(logits[:-1], torch.from_numpy(ids)[1:], reduction="sum")
    loss.backward()
    gradients = {renamed.get(n, n): float(f"{p.grad.norm().item():.8g}") for n, p in model.named_parameters()}
    saved = json.loads(config.to_json_string(use_diff=False))
    # What no test reads and every release changes.
    for key in [k for k, v in saved.items() if v is None or k in ("transformers_version", "id2label", "label2id")]:
        if key not in NULL_MEANS_NONE:
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
write("architectures.json", [variant(name, config, 24) for name, config in ARCHITECTURES.items()])
if sys.argv[1:] == ["--architectures"]:
    sys.exit()
write("variants.json", [variant(name, {**BASE, **changes}, 40) for name, changes in VARIANTS.items()])
default = os.path.expanduser("~/.cache/limbeck/models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
write("smollm2.json", smollm2(sys.argv[1] if len(sys.argv) > 1 else default))
