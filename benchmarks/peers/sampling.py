"""64 samples of 32 tokens after a prompt of 231, temperature 0.8; the prompt's time is inside, loading the model is not.

Limbeck: `limbeck generate`, the time that it reports. llama.cpp: llama.py, at the batch and attention that are fastest for the format
(looked for in each new run). Transformers: generate() with num_return_sequences and its default attention, after a short warm-up. Each
side is given the same prompt and ends a sample at the end-of-text token; what is counted is the tokens that came out.
"""
import json
import re
import tempfile
import time

import measure
import weights
from measure import Line

TITLE = "64 samples × 32 tokens after a prompt of 231"
QUICK = dict(samples=64, tokens=32, repeats=1)
FULL = dict(samples=64, tokens=32, repeats=2)
LINES = [
    Line(TITLE, "limbeck", "llama.cpp", 2.5),
    Line(TITLE, "limbeck-bf16", "transformers-bf16", 10),
    Line(TITLE, "limbeck-fp32", "transformers-fp32", 10),
]
FORMATS = {"bf16": ["--precision=bf16"], "fp32": ["--precision=fp32"], "q8_0": ["--weights=q8_0"], "q4_0": ["--weights=q4_0"]}
PROMPT_TOKENS, TEMPERATURE = 231, 0.8
EXAMPLE = """Question: A farmer has 12 hens and each of them lays 4 eggs a day. He sells 20 eggs at the market and keeps the rest for his
family. How many eggs does he keep?
Program:
hens = 12
eggs_each = 4
sold = 20
answer = hens * eggs_each - sold

"""


def our_formats():
    """Those that this build of the program has."""
    return [form for form in FORMATS if form in ("bf16", "fp32") or measure.knows("generate", "--weights=", form)]


def sides(settings):
    return ([f"limbeck-{form}" for form in our_formats()] + [f"llama.cpp-{form}" for form in ("bf16", "q8_0", "q4_0", "q4_1")] +
            ["transformers-bf16", "transformers-fp32"])


def missing(settings):
    return None


def prompt():
    """The file of a text that is exactly PROMPT_TOKENS tokens long, read again."""
    file = weights.WEIGHTS / f"prompt-{PROMPT_TOKENS}.txt"
    if not file.exists():
        import tokenizers

        tokenizer = tokenizers.Tokenizer.from_file(str(weights.folder() / "tokenizer.json"))
        ids = tokenizer.encode(EXAMPLE * 8).ids
        texts = (tokenizer.decode(ids[len(ids) - cut:]) for cut in range(PROMPT_TOKENS, PROMPT_TOKENS + 20))
        file.write_text(next(text for text in texts if len(tokenizer.encode(text).ids) == PROMPT_TOKENS))
    return file


def run_side(side, settings):
    name, form = side.split("-")
    runs, more = {"limbeck": limbeck, "llama.cpp": llama_cpp, "transformers": transformers}[name](form, settings)
    tokens, seconds = map(sum, zip(*runs))
    return {"rate": tokens / seconds, "tokens": tokens, "seconds": seconds} | more


def complete(draw, settings):
    """As many (tokens, seconds) of draw(seed) as wanted; where a sample must be whole, draws that end early do not count."""
    runs = []
    for seed in range(1, 200):
        tokens, seconds = draw(seed)
        if settings["samples"] > 1 or tokens == settings["tokens"]:
            runs.append((tokens, seconds))
        if len(runs) == settings["repeats"]:
            return runs
    raise SystemExit("[sampling] no sample of the wanted length in 200 draws")


def limbeck(form, settings):
    file = weights.gguf("f32" if form == "fp32" else form)
    with tempfile.TemporaryDirectory() as folder:
        def draw(seed):
            done = measure.run([measure.PROGRAM, "generate", f"--model={file}", f"--prompt-file={prompt()}", f"--seed={seed}",
                                f"--num-samples={settings['samples']}", f"--max-new-tokens={settings['tokens']}",
                                f"--temperature={TEMPERATURE}", f"--out={folder}/samples.jsonl", *FORMATS[form]])
            tokens, seconds = re.search(r"(\d+) tokens in ([0-9.]+) s", done.error).groups()
            return int(tokens), float(seconds)
        return complete(draw, settings), {}


def timed_llama(form, batch, flash, settings):
    """[(tokens, seconds)] of the job decoded `batch` sequences at a time."""
    import llama

    model = llama.Llama(weights.gguf(form), batch, PROMPT_TOKENS + settings["tokens"], flash=flash, threads=measure.CORES)
    ids = model.tokens_of(prompt().read_text())
    assert len(ids) == PROMPT_TOKENS, len(ids)
    model.sample([ids], batch, 4, TEMPERATURE)  # warms up

    def draw(seed):
        begun = time.perf_counter()
        samples = model.sample([ids], settings["samples"], settings["tokens"], TEMPERATURE, seed=seed)
        return sum(len(sample.tokens) for sample in samples), time.perf_counter() - begun
    return complete(draw, settings)


def best_of_llama(form, settings):
    """{"batch", "flash"} at which llama.cpp does this job fastest, and what all of them gave; kept while the run goes on. Flash attention, its
    default, makes no difference to many sequences, and some to one."""
    file = weights.WEIGHTS / f"llama-{form}-{settings['samples']}x{settings['tokens']}.json"
    if not file.exists():
        rates = {}
        for batch, flash in [(64, 1), (32, 1), (16, 1)] if settings["samples"] > 1 else [(1, 0), (1, 1)]:
            runs = timed_llama(form, batch, flash, settings | {"repeats": 2})
            rates[f"{batch},{flash}"] = round(max(tokens / seconds for tokens, seconds in runs), 1)
        batch, flash = max(rates, key=rates.get).split(",")
        file.write_text(json.dumps({"batch": int(batch), "flash": int(flash), "rates by batch,flash": rates}))
    return json.loads(file.read_text())


def llama_cpp(form, settings):
    best = best_of_llama(form, settings)
    return timed_llama(form, best["batch"], best["flash"], settings), {"best": best}


def transformers(form, settings):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    dtype = torch.bfloat16 if form == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(weights.folder(), dtype=dtype).eval()
    ids = AutoTokenizer.from_pretrained(weights.folder())(prompt().read_text(), return_tensors="pt")
    width = ids["input_ids"].shape[1]
    assert width == PROMPT_TOKENS, width

    def draw(seed, **limits):
        torch.manual_seed(seed)
        begun = time.perf_counter()
        with torch.inference_mode():
            out = model.generate(**ids, do_sample=True, temperature=TEMPERATURE, top_k=0, top_p=1.0, pad_token_id=0,
                                 num_return_sequences=settings["samples"], **(dict(max_new_tokens=settings["tokens"]) | limits))
        seconds = time.perf_counter() - begun
        return sum((row.tolist() + [2]).index(2) for row in out[:, width:]), seconds
    draw(0, max_new_tokens=2)  # warms up
    return complete(draw, settings), {}
