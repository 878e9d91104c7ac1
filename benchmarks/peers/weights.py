"""The demo model in the forms that the sides read, made once into DEPS/peers/weights.

GGUF files of each format come from llama.cpp's own quantiser with its default mix of types (the embedding of Q4_0 and Q4_1 is kept
in Q8_0); the Hugging Face folder from Transformers' own reader. All have the numbers of the demo model's Q4_1 file.
"""
import os
import pathlib

DEPS = pathlib.Path(os.environ.get("LIMBECK_DEPS", pathlib.Path.home() / ".cache" / "limbeck"))
DEMO = DEPS / "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS = DEPS / "peers/weights"
FILE_TYPES = {"f32": 0, "bf16": 32, "q8_0": 7, "q4_0": 2, "q4_1": 3}  # llama_ftype


def gguf(form):
    return WEIGHTS / f"smollm2-{form}.gguf"


def folder():
    return WEIGHTS / "smollm2"


def quantise(form):
    import llama_cpp

    wanted = llama_cpp.llama_model_quantize_default_params()
    wanted.ftype, wanted.allow_requantize = FILE_TYPES[form], True
    source = DEMO if form == "f32" else gguf("f32")
    part = gguf(form).with_suffix(".part")
    if llama_cpp.llama_model_quantize(str(source).encode(), str(part).encode(), wanted) != 0:
        raise SystemExit(f"[weights] llama.cpp could not write {part}")
    part.rename(gguf(form))


def make_folder():
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    part = folder().with_suffix(".part")
    tokenizer = AutoTokenizer.from_pretrained(DEMO.parent, gguf_file=DEMO.name)
    tokenizer.save_pretrained(part)
    model = AutoModelForCausalLM.from_pretrained(DEMO.parent, gguf_file=DEMO.name, dtype=torch.float32)
    # What was read from a quantised file refuses to be written; a fresh model of the same shape does not.
    config = type(model.config)(**{k: v for k, v in model.config.to_dict().items() if k != "quantization_config"})
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(model.state_dict())
    plain.save_pretrained(part)
    part.rename(folder())


def make():
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    for form in FILE_TYPES:
        if not gguf(form).exists():
            quantise(form)
    if not folder().exists():
        make_folder()


def common_prefix(lists):
    """How many tokens all begin with; each keeps one of its own."""
    first, last = min(lists), max(lists)
    most = min(map(len, lists)) - 1
    return next((i for i in range(most) if first[i] != last[i]), most) if len(lists) > 1 else 0


if __name__ == "__main__":
    make()
