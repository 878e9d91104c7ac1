"""A masked language model that is small and good: four of all-MiniLM-L6-v2's six layers, the
tokens of its vocabulary that the plain texts use most, then masked language modelling on those texts (small_bert.toml).

A BERT of this size learns next to nothing from a million tokens and fresh weights (experiments/distilbert/README.md has the figure).
"""
import collections, json, pathlib, struct
import by_seed, plain_texts

LAYERS = [0, 2, 3, 5]
TOKENS = 6000
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TABLE = "embeddings.word_embeddings.weight"


def kept_tokens(model, texts, folder):
    """Special tokens, single characters, and the commonest others: (token, its id in the model) by new id."""
    ids = folder / "ids.jsonl"
    by_seed.limbeck("tokenize", f"--model={model}", f"--input={texts}", f"--out={ids}", "--special=text")
    counts = collections.Counter(i for line in open(ids) for i in json.loads(line))
    ids.unlink()
    vocabulary = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    first = lambda token: token in SPECIAL or (counts[vocabulary[token]] > 0 and len(token.removeprefix("##")) == 1)
    order = sorted(vocabulary, key=lambda token: (not first(token), -counts[vocabulary[token]], vocabulary[token]))
    return sorted(((token, vocabulary[token]) for token in order[:TOKENS]), key=lambda pair: pair[1])


def write_tokenizer(model, kept, folder):
    page, new = json.loads((model / "tokenizer.json").read_text(encoding="utf-8")), {token: i for i, (token, _) in enumerate(kept)}
    page["model"]["vocab"] = new
    for added in page["added_tokens"]:
        added["id"] = new[added["content"]]
    after = page["post_processor"]
    for name in ("sep", "cls"):
        if name in after:  # BertProcessing
            after[name][1] = new[after[name][0]]
    for special in after.get("special_tokens", {}).values():  # TemplateProcessing
        special["ids"] = [new[token] for token in special["tokens"]]
    page["truncation"] = page["padding"] = None
    (folder / "tokenizer.json").write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")
    (folder / "vocab.txt").write_text("".join(token + "\n" for token, _ in kept), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text((model / "tokenizer_config.json").read_text())


def write_model(model, kept, folder):
    """The chosen layers under new numbers, and the rows of the kept tokens."""
    config = json.loads((model / "config.json").read_text())
    config.update(num_hidden_layers=len(LAYERS), vocab_size=len(kept))
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    data = (model / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header, body, content = {}, [], 0
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__" or entry["dtype"] == "I64":  # position ids
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        raw, shape = data[begin:end], entry["shape"]
        if name == TABLE:
            width = len(raw) // shape[0]
            raw, shape = b"".join(raw[i * width:(i + 1) * width] for _, i in kept), [len(kept), shape[1]]
        if name.startswith("encoder.layer."):
            layer, rest = name.removeprefix("encoder.layer.").split(".", 1)
            if int(layer) not in LAYERS:
                continue
            name = f"encoder.layer.{LAYERS.index(int(layer))}.{rest}"
        header[name] = {"dtype": entry["dtype"], "shape": shape, "data_offsets": [content, content + len(raw)]}
        body.append(raw)
        content += len(raw)
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(body))


def missing(model, data):
    """What is needed and not there, or none."""
    return next((path for path in [model, data / "sst2"] if not path.exists()), plain_texts.missing(data))


def pretrained(model, data, work):
    """The folder of the small BERT with its masked-language-modelling head, made if it is not there yet; the texts, and some held-out ones."""
    texts, held_out, measured = plain_texts.write(data, work / "texts")
    cut, run = work / "slice", work / "small-bert"
    if not (cut / "config.json").exists():
        cut.mkdir(parents=True, exist_ok=True)
        kept = kept_tokens(model, texts, cut)
        write_tokenizer(model, kept, cut)
        write_model(model, kept, cut)
    if not (run / "model").exists():
        by_seed.limbeck("run", "mlm", by_seed.ROOT / "experiments/distilbert/small_bert.toml", f"--model={cut}", f"--data.texts={texts}",
                        f"--data.dev_texts={held_out}", f"--out={run}")
    return run / "model", texts, measured
