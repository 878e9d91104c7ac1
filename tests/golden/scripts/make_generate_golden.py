"""Writes tests/golden/generate.json: greedy continuations and log-probabilities as Transformers computes them in fp32.

    python tests/golden/scripts/make_generate_golden.py [path/to/SmolLM2-135M-Instruct.Q4_1.gguf]

Needs torch, transformers (5.23 made the file here), accelerate and gguf. The small models' weights come from the formula of
make_model_golden.py.
"""
import json
import os
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(2)
# The formula and nothing else of the other script, which writes its files when it is imported.
source = open(os.path.join(HERE, "make_model_golden.py")).read()
exec(source[source.index("def hash_name"):source.index("BASE =")])

BASE = dict(model_type="llama", vocab_size=262, hidden_size=32, intermediate_size=48, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=400, rms_norm_eps=1e-5,
            tie_word_embeddings=True, bos_token_id=257, eos_token_id=258)
VARIANTS = {"llama": {}, "mistral": dict(model_type="mistral", sliding_window=9, tie_word_embeddings=False),
            "qwen2": dict(model_type="qwen2", num_key_value_heads=1)}


def log_probs(model, ids):
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return [0.0] + [round(logits[t - 1, ids[t]].item(), 6) for t in range(1, len(ids))]


def greedy(model, ids, count, penalty=1.0):
    out = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False,
                         max_new_tokens=count, repetition_penalty=penalty, pad_token_id=0, top_k=None, top_p=None, temperature=None)
    return out[0, len(ids):].tolist()


def small(name, changes):
    config_dict = {**BASE, **changes}
    config = CONFIG_MAPPING[config_dict["model_type"]].from_dict(dict(config_dict))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).float().eval()
    model.generation_config.eos_token_id = 258
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(formula(parameter_name, tuple(parameter.shape))))
    rng = np.random.default_rng(11)
    rows = []
    for length, penalty in [(1, 1.0), (5, 1.0), (33, 1.0), (300, 1.0), (20, 1.3), (7, 0.7)]:
        ids = rng.integers(0, 256, length).tolist()
        rows.append(dict(ids=ids, penalty=penalty, greedy=greedy(model, ids, 40, penalty)))
    texts = [rng.integers(0, 256, n).tolist() for n in (2, 17, 40, 1, 120)]
    return dict(name=name, config=config_dict, rows=rows, scored=[dict(ids=t, log_probs=log_probs(model, t)) for t in texts])


def smollm2(path):
    folder, file = os.path.split(path)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32, attn_implementation="eager").eval()
    rows = []
    for text in ["The capital of France is", "def fibonacci(n):\n", "Once upon a time", "Question: Ann has 3 apples and buys 12 more. "
                 "How many has she?\nanswer = ",
                 "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n"]:
        ids = tokenizer(text)["input_ids"]
        rows.append(dict(text=text, ids=ids, greedy=greedy(model, ids, 32), log_probs=log_probs(model, ids)))
    return dict(eos=model.generation_config.eos_token_id, rows=rows)


default = os.path.expanduser("~/.cache/limbeck/models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
value = dict(small=[small(name, changes) for name, changes in VARIANTS.items()],
             smollm2=smollm2(sys.argv[1] if len(sys.argv) > 1 else default))
with open(os.path.join(HERE, "..", "generate.json"), "w") as f:
    json.dump(value, f, separators=(",", ":"))
    f.write("\n")
