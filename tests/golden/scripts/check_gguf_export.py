#!/usr/bin/env python3
"""Files that `limbeck export` writes, opened by llama.cpp: the same token ids, the same greedy texts, the same log-probabilities.

    check_gguf_export.py build/release/limbeck [--write-docs]
                      (llama-cpp-python, numpy, torch, transformers, tokenizers; the demo's model from scripts/setup)

The demo's model in every type, and a small seeded model of Transformers for each architecture in F32 and Q8_0. Ours is the same file
with its weights as it holds them (--weights=q8_0 and so on: both sides multiply blocks with numbers that are rounded to 8 bits), and
for comparison with weights in fp32. Texts are held to be equal where nothing is rounded to 8 bits. In every type llama.cpp must write
the same texts with the same probabilities from our file as from the file that its own quantiser makes of the F32 one. Prints what
docs/export.md shows (--write-docs writes it); exits with 1 where a bound or a text does not hold.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import llama_cpp
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
FAMILIES = HERE.parent / "text/families"
DOCS = HERE.parents[2] / "docs/export.md"
PROMPTS = ["The capital of France is", "def add(a, b):\n    return", "Once upon a time, there was a"]
TEXT = ("A farmer has 12 hens and each of them lays 4 eggs a day. He sells 20 eggs at the market and keeps the rest for his family. "
        "How many eggs does he keep? He has 12 times 4 eggs, which is 48, less the 20 that he sells.")
TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0")
BOUNDS = {"f32": 0.01, "f16": 0.01, "bf16": 0.03, "q8_0": 0.1, "q4_0": 0.15}  # of the mean difference of log-probabilities
FTYPES = {"f16": llama_cpp.LLAMA_FTYPE_MOSTLY_F16, "bf16": llama_cpp.LLAMA_FTYPE_MOSTLY_BF16, "q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
          "q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0}  # of llama.cpp's own files
WEIGHTS = {"f32": "fp32", "f16": "fp32", "bf16": "bf16", "q8_0": "q8_0", "q4_0": "q4_0"}  # of ours
TOKENS = 24
SIZES = dict(hidden_size=64, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=256)
LLAMA = dict(SIZES, intermediate_size=96, num_key_value_heads=2)
GPT2 = dict(n_embd=64, n_layer=3, n_head=4, n_positions=256)
GEMMA = dict(LLAMA, head_dim=32, query_pre_attn_scalar=32, sliding_window=8)
# architecture, what is said of it, folder of its tokenizer ("" for one of bytes), config
CASES = [("llama", "", "", dict(LLAMA, model_type="llama")),
         ("llama", "SentencePiece vocabulary", "llama2", dict(LLAMA, model_type="llama")),
         ("mistral", "as llama, without a window", "mistral", dict(LLAMA, model_type="mistral", sliding_window=None)),
         ("qwen2", "", "", dict(LLAMA, model_type="qwen2")),
         ("qwen3", "", "", dict(LLAMA, model_type="qwen3", head_dim=32)),
         ("gpt2", "", "", dict(GPT2, model_type="gpt2")),
         ("gptneox", "", "", dict(SIZES, model_type="gpt_neox", intermediate_size=96)),
         ("gptneox", "one after the other", "", dict(SIZES, model_type="gpt_neox", intermediate_size=96, use_parallel_residual=False,
                                                     rotary_pct=0.5)),
         ("gemma2", "SentencePiece vocabulary", "gemma", dict(GEMMA, model_type="gemma2", attn_logit_softcapping=5.0,
                                                             final_logit_softcapping=4.0)),
         ("gemma3", "SentencePiece vocabulary", "gemma", dict(GEMMA, model_type="gemma3_text", num_hidden_layers=7)),
         ("gemma3", "every second block, scaled", "", dict(GEMMA, model_type="gemma3_text", num_hidden_layers=4,
                                                           layer_types=["sliding_attention", "full_attention"] * 2,
                                                           rope_parameters={
                                                               "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                                                               "full_attention": {"rope_type": "linear", "factor": 8.0,
                                                                                  "rope_theta": 1000000.0}}))]


def run(*arguments):
    try:
        return subprocess.run([str(a) for a in arguments], check=True, capture_output=True, text=True).stdout
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, arguments))}\n{error.stderr}")


def rows_of(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().split("\n") if line]


def peers_log_probs(peer, ids):
    peer.reset()
    peer.eval(ids)
    logits = np.array(peer.scores[:len(ids) - 1], dtype=np.float64)
    top = logits.max(axis=1, keepdims=True)
    log_probs = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return log_probs[np.arange(len(ids) - 1), ids[1:]]


def peers_greedy(peer, ids):
    peer.reset()
    ends = {peer.token_eos()}
    drawn = []
    for token in peer.generate(ids, temp=0, repeat_penalty=1.0):
        if token in ends or len(drawn) == TOKENS:
            break
        drawn.append(token)
    return drawn


def open_in_peer(file):
    return llama_cpp.Llama(model_path=str(file), n_ctx=256, n_threads=2, verbose=False, logits_all=True, type_k=0, type_v=0)


def beside_own_file(file, f32_file, kind, folder):
    """llama.cpp with our file and with the one that its quantiser makes of the F32 file: the largest difference of a log-probability,
    greedy texts that are equal."""
    own = f"{folder}/own.gguf"
    settings = llama_cpp.llama_model_quantize_default_params()
    settings.ftype = FTYPES[kind]
    if kind == "q4_0":  # as ours; llama.cpp would take q6_K
        settings.token_embedding_type = settings.output_tensor_type = llama_cpp.GGML_TYPE_Q8_0
    if llama_cpp.llama_model_quantize(f32_file.encode(), own.encode(), settings) != 0:
        sys.exit(f"llama.cpp could not make a {kind} file of {f32_file}")
    peers = [open_in_peer(file), open_in_peer(own)]
    ids = [peer.tokenize(TEXT.encode(), add_bos=False) for peer in peers]
    scores = [peers_log_probs(peer, text) for peer, text in zip(peers, ids)]
    same = sum(len({tuple(peers_greedy(peer, peer.tokenize(p.encode(), add_bos=False))) for peer in peers}) == 1 for p in PROMPTS)
    os.remove(own)
    return float(np.abs(scores[0] - scores[1]).max()), same


def compare(program, file, folder, weights):
    """Token ids equal, mean difference of log-probabilities, greedy texts that are equal; of one file."""
    texts, prompts, scores, samples = (f"{folder}/{name}.jsonl" for name in ("texts", "prompts", "scores", "samples"))
    pathlib.Path(texts).write_text(json.dumps({"text": TEXT}) + "\n" + "".join(json.dumps({"text": p}) + "\n" for p in PROMPTS))
    pathlib.Path(prompts).write_text("".join(json.dumps({"prompt": p}) + "\n" for p in PROMPTS))
    run(program, "score", f"--model={file}", f"--input={texts}", f"--out={scores}", f"--weights={weights}")
    run(program, "generate", f"--model={file}", f"--input={prompts}", "--temperature=0", "--precision=fp32",
        f"--weights={weights}", f"--max-new-tokens={TOKENS}", f"--out={samples}")
    scored, drawn = rows_of(scores), rows_of(samples)
    peer = open_in_peer(file)
    same_ids = all(peer.tokenize(text.encode(), add_bos=peer.metadata.get("tokenizer.ggml.add_bos_token") == "true", special=True) == row["ids"]
                   for text, row in zip([TEXT] + PROMPTS, scored))
    difference = np.abs(peers_log_probs(peer, scored[0]["ids"]) - np.array(scored[0]["log_probs"][1:])).mean()
    same = sum(peers_greedy(peer, row["ids"]) == sample["ids"] for row, sample in zip(scored[1:], drawn))
    return same_ids, float(difference), same


def byte_tokenizer(folder):
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(alphabet + ["th", "he"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("t", "h"), ("h", "e")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True)])
    tokenizer.save(f"{folder}/tokenizer.json")


def save_small_model(folder, family, config):
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    vocabulary = 260 if not family else 1304
    end = 258 if not family else {"gemma": 1}.get(family, 2)
    torch.manual_seed(3)
    values = dict(config, vocab_size=vocabulary, bos_token_id=None, eos_token_id=end, pad_token_id=None)
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING[config["model_type"]].from_dict(values)).float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0, 0.15)
            if parameter.dim() == 1 and name.endswith("weight") and not config["model_type"].startswith("gemma"):
                parameter.add_(1)
    model.save_pretrained(folder)
    if family:
        (pathlib.Path(folder) / "tokenizer.json").write_bytes((FAMILIES / family / "tokenizer.json").read_bytes())
    else:
        byte_tokenizer(folder)


def main():
    program, write_docs = sys.argv[1], "--write-docs" in sys.argv
    deps = pathlib.Path(os.environ.get("LIMBECK_DEPS", pathlib.Path.home() / ".cache" / "limbeck"))
    demo = deps / "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    bad = False

    def result(kind, same_ids, difference, same, bound, all_texts=True):
        nonlocal bad
        holds = same_ids and difference < bound and (same == len(PROMPTS) or not all_texts)
        bad = bad or not holds
        print(f"{kind}  ids {'equal' if same_ids else 'differ'}  log-probabilities differ by {difference:.4f} (bound {bound})  "
              f"{same} of {len(PROMPTS)} greedy texts equal{'' if holds else '  FAILED'}", flush=True)
        return f"{'equal' if same_ids else 'differ'} | {difference:.4f} | {same} of {len(PROMPTS)} equal"

    types = ["| type | size, MB | token ids | llama.cpp with our and its own file: largest difference of a log-probability | greedy texts of 24 tokens | "
             "beside Limbeck: mean difference | greedy texts | Limbeck's weights in fp32: mean difference | greedy texts |",
             "|---|---:|---|---:|---|---:|---|---:|---|"]
    families = ["| architecture | | type | token ids | mean difference of log-probabilities | greedy texts of 24 tokens |",
                "|---|---|---|---|---:|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for kind in TYPES:
            file = f"{folder}/{kind}.gguf"
            run(program, "export", f"--model={demo}", f"--out={file}", f"--type={kind}")
            stored = result(f"SmolLM2 {kind}", *compare(program, file, folder, WEIGHTS[kind]), BOUNDS[kind], kind[0] != "q")
            _, exact, same = compare(program, file, folder, "fp32")
            print(f"    with weights in fp32: {exact:.4f}, {same} texts", flush=True)
            same_ids, beside_limbeck = stored.split(" | ", 1)
            with_fp32 = f"{beside_limbeck} | {exact:.4f} | {same} of {len(PROMPTS)} equal |"
            of_peers = "– | –"
            if kind != "f32":
                largest, same = beside_own_file(file, f"{folder}/f32.gguf", kind, folder)
                bad = bad or largest != 0 or same != len(PROMPTS)
                print(f"    llama.cpp with its own {kind} file: {largest:.4f}, {same} texts", flush=True)
                of_peers = f"{largest:.4f} | {same} of {len(PROMPTS)} equal"
            types.append(f"| {kind} | {os.path.getsize(file) / 1e6:.1f} | {same_ids} | {of_peers} | {with_fp32}")
            if kind != "f32":
                os.remove(file)
        for i, (name, about, family, config) in enumerate(CASES):
            model = f"{folder}/model-{i}"
            save_small_model(model, family, config)
            for kind in ("f32", "q8_0"):
                file = f"{folder}/{i}-{kind}.gguf"
                run(program, "export", f"--model={model}", f"--out={file}", f"--type={kind}")
                row = result(f"{name} {about} {kind}".replace("  ", " "), *compare(program, file, folder, "fp32"), 0.1 if kind[0] == "q" else 0.02, kind[0] != "q")
                families.append(f"| {name} | {about} | {kind} | {row} |")
    if write_docs:
        text = DOCS.read_text()
        for mark, lines in (("types", types), ("families", families)):
            begin, end = f"<!-- {mark} begins -->\n", f"<!-- {mark} ends -->"
            before, rest = text.split(begin)
            text = before + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1]
        DOCS.write_text(text)
    sys.exit(bad)


if __name__ == "__main__":
    main()
