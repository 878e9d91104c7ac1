"""Small models of every architecture: Limbeck's log-probabilities of a text beside those of Transformers, from the folder that
Transformers writes, and beside llama.cpp's, from a GGUF file in the names and layouts of its converter.

    python tests/golden/scripts/check_architectures.py build/release/limbeck

Needs torch, transformers, tokenizers, gguf and llama-cpp-python. Prints the largest differences and exits with 1 where one from
Transformers is 1e-4 or more, or one from llama.cpp 5e-3 or more (its GELU is a table of fp16 numbers).
"""
import json
import os
import subprocess
import sys
import tempfile

import gguf
import llama_cpp
import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
limbeck = sys.argv[1]
VOCAB = 260
BASE = dict(vocab_size=VOCAB, bos_token_id=256, eos_token_id=257, pad_token_id=None)
LLAMA = dict(BASE, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=128, rms_norm_eps=1e-5)
GEMMA = dict(LLAMA, head_dim=32, sliding_window=8)
CASES = {
    "llama": dict(LLAMA, model_type="llama"),
    "qwen2": dict(LLAMA, model_type="qwen2"),
    "qwen3": dict(LLAMA, model_type="qwen3", head_dim=32),
    "gpt2": dict(BASE, model_type="gpt2", n_embd=64, n_layer=3, n_head=4, n_positions=128),
    "gptneox": dict(BASE, model_type="gpt_neox", hidden_size=64, num_hidden_layers=3, num_attention_heads=4,
                    intermediate_size=96, max_position_embeddings=128),
    "gptneox one after the other": dict(BASE, model_type="gpt_neox", hidden_size=64, num_hidden_layers=3,
                                        num_attention_heads=4, intermediate_size=96, max_position_embeddings=128,
                                        use_parallel_residual=False, rotary_pct=0.5),
    "mistral": dict(LLAMA, model_type="mistral", sliding_window=8),
    "gpt_neo": dict(BASE, model_type="gpt_neo", hidden_size=64, num_layers=4, num_heads=4, max_position_embeddings=128,
                    window_size=8, attention_types=[[["global", "local"], 2]]),
    "gptj": dict(BASE, model_type="gptj", n_embd=64, n_layer=3, n_head=4, n_positions=128, rotary_dim=8),
    "gemma2": dict(GEMMA, model_type="gemma2", query_pre_attn_scalar=32, attn_logit_softcapping=5.0,
                   final_logit_softcapping=4.0),
    "gemma3": dict(GEMMA, model_type="gemma3_text", query_pre_attn_scalar=32, num_hidden_layers=7),
}
NO_GGUF = ("mistral", "gpt_neo", "gptj")
COMMON = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj":
          "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
          "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm"}
NAMES = {
    "llama": dict(COMMON, post_attention_layernorm="ffn_norm"),
    "gemma": dict(COMMON, post_attention_layernorm="post_attention_norm", pre_feedforward_layernorm="ffn_norm",
                  post_feedforward_layernorm="post_ffw_norm"),
    "gpt2": {"ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm",
             "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"},
    "gptneox": {"input_layernorm": "attn_norm", "attention.query_key_value": "attn_qkv", "attention.dense": "attn_output",
                "post_attention_layernorm": "ffn_norm", "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down"},
}
OUTSIDE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "transformer.wte": "token_embd",
           "transformer.wpe": "position_embd", "transformer.ln_f": "output_norm", "gpt_neox.embed_in": "token_embd",
           "gpt_neox.final_layer_norm": "output_norm"}


def gguf_name(name, arch):
    module, kind = name.rsplit(".", 1)
    if module in OUTSIDE:
        return f"{OUTSIDE[module]}.{kind}"
    parts = module.split(".")
    index = next(i for i, part in enumerate(parts) if part.isdigit())
    family = "gemma" if arch.startswith("gemma") else arch if arch in NAMES else "llama"
    return f"blk.{parts[index]}.{NAMES[family]['.'.join(parts[index + 1:])]}.{kind}"


def converted(name, tensor, arch, config):
    """What llama.cpp's converter does to a tensor."""
    heads = config.num_attention_heads
    if arch == "llama" and (".q_proj." in name or ".k_proj." in name):
        n = heads if ".q_proj." in name else config.num_key_value_heads
        return tensor.reshape(n, 2, tensor.shape[0] // n // 2, *tensor.shape[1:]).swapaxes(1, 2).reshape(tensor.shape)
    if arch == "gpt2" and ".c_" in name and name.endswith(".weight"):
        return tensor.T
    if arch == "gptneox" and ".query_key_value." in name:
        rows = tensor.reshape(heads, 3, -1, *tensor.shape[1:])
        return np.concatenate([rows[:, i].reshape(-1, *tensor.shape[1:]) for i in range(3)])
    if arch.startswith("gemma") and name.endswith("norm.weight"):
        return tensor + 1
    return tensor


def byte_tokens():
    printable = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b]
    others = iter(range(256, 512))
    return [chr(b) if b in printable else chr(next(others)) for b in range(256)]


def write(path, arch, model, config):
    w = gguf.GGUFWriter(path, arch)
    w.add_context_length(config.max_position_embeddings)
    w.add_embedding_length(config.hidden_size)
    w.add_block_count(config.num_hidden_layers)
    w.add_feed_forward_length(getattr(config, "intermediate_size", None) or 4 * config.hidden_size)
    w.add_head_count(config.num_attention_heads)
    if arch in ("gpt2", "gptneox"):
        w.add_layer_norm_eps(getattr(config, "layer_norm_epsilon", None) or config.layer_norm_eps)
    else:
        w.add_head_count_kv(config.num_key_value_heads)
        w.add_layer_norm_rms_eps(config.rms_norm_eps)
    if arch == "gptneox":
        head = config.hidden_size // config.num_attention_heads
        w.add_rope_dimension_count(int(head * config.rope_parameters["partial_rotary_factor"]))
        w.add_parallel_residual(config.use_parallel_residual)
    if arch in ("qwen3", "gemma2", "gemma3"):
        w.add_key_length(config.head_dim)
        w.add_value_length(config.head_dim)
    if arch.startswith("gemma"):
        w.add_sliding_window(config.sliding_window)
    if arch == "gemma2":
        w.add_attn_logit_softcapping(config.attn_logit_softcapping)
        w.add_final_logit_softcapping(config.final_logit_softcapping)
    if arch == "gemma3":
        w.add_rope_freq_base(1_000_000.0)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(byte_tokens() + ["<s>", "</s>", "ab", "<pad>"])
    w.add_token_types([1] * 256 + [3, 3, 1, 3])
    w.add_token_merges(["a b"])
    w.add_bos_token_id(256)
    w.add_eos_token_id(257)
    w.add_add_bos_token(False)
    for name, parameter in model.named_parameters():
        tensor = parameter.detach().numpy()
        w.add_tensor(gguf_name(name, arch), np.ascontiguousarray(converted(name, tensor, arch, config)).astype(np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def write_tokenizer(folder):
    tokens = byte_tokens() + ["ab"]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, [("a", "b")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(os.path.join(folder, "tokenizer.json"))


def scored(model, text, ids, folder):
    lines, out = os.path.join(folder, "texts.jsonl"), os.path.join(folder, "scores.jsonl")
    with open(lines, "w") as f:
        f.write(json.dumps({"text": text}) + "\n")
    subprocess.run([limbeck, "score", "--model=" + model, "--input=" + lines, "--out=" + out, "--precision=fp32"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    row = json.loads(open(out).readline())
    assert row["ids"] == ids, row["ids"]
    return torch.tensor(row["log_probs"][1:], dtype=torch.float64)


def log_probs(logits, ids):
    return torch.log_softmax(torch.as_tensor(logits, dtype=torch.float64), -1)[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0]


far = False
for name, values in CASES.items():
    arch = name.split()[0]
    torch.manual_seed(3)
    config = CONFIG_MAPPING[values["model_type"]].from_dict(dict(values))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.normal_(0, 0.25)
            if parameter.dim() == 1 and key.endswith("weight") and not arch.startswith("gemma"):
                parameter.add_(1)
    text = "The quick brown fox jumps over the lazy dog, twice."
    ids = list(text.encode())
    with torch.no_grad():
        theirs = log_probs(model(torch.tensor([ids])).logits[0], ids)
    with tempfile.TemporaryDirectory() as folder:
        saved = os.path.join(folder, "model")
        model.save_pretrained(saved)
        write_tokenizer(saved)
        to_transformers = float((scored(saved, text, ids, folder) - theirs).abs().max())
        line = f"{name}: folder of Transformers {to_transformers:.2g}"
        far = far or to_transformers >= 1e-4
        if arch not in NO_GGUF:
            path = os.path.join(folder, "model.gguf")
            write(path, arch, model, config)
            runner = llama_cpp.Llama(path, n_ctx=128, logits_all=True, verbose=False, n_threads=1, type_k=0, type_v=0)
            assert runner.tokenize(text.encode(), add_bos=False) == ids
            runner.eval(ids)
            llama = log_probs(np.array(runner.scores[: len(ids)]), ids)
            ours = scored(path, text, ids, folder)
            to_transformers, to_llama = (float((ours - other).abs().max()) for other in (theirs, llama))
            line += f"; GGUF file {to_transformers:.2g} from Transformers, {to_llama:.2g} from llama.cpp"
            far = far or to_llama >= 5e-3 or to_transformers >= 1e-4
    print(f"{line} (log-probabilities to {theirs.min():.1f})", flush=True)
sys.exit(far)
