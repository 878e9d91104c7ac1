"""Writes tests/golden/peft: adapters as the peft package saves them, and the logits of small models with them.

    python tests/golden/scripts/make_peft_golden.py

Needs torch, transformers and peft (0.21.2 made the files here). Weights come from the formula of make_model_golden.py.
"""
import json
import os
import sys

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "peft")
sys.path.insert(0, HERE)
from formula import formula  # noqa: E402

SMALL = dict(vocab_size=37, bos_token_id=1, eos_token_id=2)
CASES = {
    "llama": (dict(SMALL, model_type="llama", hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                   num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5),
              dict(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj", "mlp.down_proj"])),
    "gpt2": (dict(SMALL, model_type="gpt2", n_embd=32, n_layer=2, n_head=4, n_positions=64),
             dict(r=2, lora_alpha=5, target_modules=["c_attn", "mlp.c_proj"], fan_in_fan_out=True)),
    "gpt_neox": (dict(SMALL, model_type="gpt_neox", hidden_size=48, num_hidden_layers=2, num_attention_heads=3,
                      intermediate_size=80, max_position_embeddings=64),
                 dict(r=4, lora_alpha=4, use_rslora=True, target_modules=r".*\.(query_key_value|dense_h_to_4h)")),
}
RENAMED = {"gpt_neox": {"lm_head.weight": "embed_out.weight"}}

for name, (config_dict, lora) in CASES.items():
    config = CONFIG_MAPPING[config_dict["model_type"]].from_dict(dict(config_dict))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).float().eval()
    renamed = RENAMED.get(name, {})
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(formula(renamed.get(key, key), tuple(parameter.shape))))
    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **lora))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_" in key:
                parameter.copy_(torch.from_numpy(formula(key, tuple(parameter.shape))))
    ids = np.random.default_rng(5).integers(0, 37, 16)
    with torch.no_grad():
        logits = model(torch.from_numpy(ids)[None]).logits[0]
    folder = os.path.join(OUT, name)
    model.save_pretrained(folder)
    for extra in ("README.md",):
        if os.path.exists(os.path.join(folder, extra)):
            os.remove(os.path.join(folder, extra))
    with open(os.path.join(folder, "golden.json"), "w") as f:
        json.dump(dict(config=config_dict, ids=ids.tolist(),
                       logits=[float(f"{x:.8g}") for x in logits.flatten().tolist()]), f, separators=(",", ":"))
        f.write("\n")
