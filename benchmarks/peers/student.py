"""A Llama model of Transformers as a GGUF file of BF16, with the tokenizer of the demo model's file."""
import gguf
import torch

import weights

NAMES = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
PARTS = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down"}


def name_of(name):
    """GGUF's name of a Hugging Face tensor; None for one that is tied to another."""
    if name in NAMES or not name.startswith("model.layers."):
        return NAMES.get(name)
    layer, part = name.removeprefix("model.layers.").removesuffix(".weight").split(".", 1)
    return f"blk.{layer}.{PARTS[part]}.weight"


def interleaved(weight, heads):
    """ggml rotates pairs of neighbours, Transformers halves."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def write_gguf(model, path):
    writer, config = gguf.GGUFWriter(path, "llama"), model.config
    for field in gguf.GGUFReader(weights.gguf("bf16")).fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        value = config.num_hidden_layers if field.name == "llama.block_count" else field.contents()
        writer.add_key_value(field.name, value, field.types[0], field.types[-1] if len(field.types) > 1 else None)
    bf16 = gguf.GGMLQuantizationType.BF16
    for name, tensor in model.state_dict().items():
        written = name_of(name)
        if written is None:
            continue
        heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}.get(written.split(".")[-2])
        values = (interleaved(tensor, heads) if heads else tensor).to(torch.float32).contiguous().numpy()
        if tensor.ndim > 1:
            writer.add_tensor(written, gguf.quants.quantize(values, bf16), raw_dtype=bf16)
        else:
            writer.add_tensor(written, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
