"""Published vocabularies as the `tokenizers` library's objects, with the configuration that their publishers give them.

Read from the registry models that scripts/setup fetches and from ../shared/data/tokenizers, where these are.
"""
import json
import os
import pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEPS = pathlib.Path(os.environ.get("LIMBECK_DEPS", pathlib.Path.home() / ".cache/limbeck"))
SMOLLM2 = DEPS / "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
MINILM = DEPS / "models/minilm"
PUBLISHED = ROOT.parent / "shared/data/tokenizers"


def finished(tokenizer, pre_tokenizer):
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def smollm2(path=SMOLLM2):
    from gguf import GGUFReader
    fields = GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    finished(tokenizer, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False)]))
    types = fields["tokenizer.ggml.token_type"].contents()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, types) if k == 3])
    return tokenizer


def gpt2(folder=PUBLISHED / "gpt2"):
    vocabulary = json.load(open(os.path.join(folder, "encoder.json")))
    lines = open(os.path.join(folder, "vocab.bpe"), encoding="utf-8").read().split("\n")
    merges = [tuple(line.split(" ")) for line in lines[1:] if line]
    tokenizer = finished(Tokenizer(models.BPE(vocabulary, merges)), pre_tokenizers.ByteLevel(add_prefix_space=False))
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=False)])
    return tokenizer


def real_tokenizers(folder):
    """(name, what Limbeck reads, tokenizer.json for the library) of the published vocabularies that are here."""
    found = []

    def add(name, make, source, limbeck_model=None):
        if not os.path.exists(source):
            return
        saved = pathlib.Path(folder) / name
        saved.mkdir(exist_ok=True)
        make().save(str(saved / "tokenizer.json"))
        found.append((name, limbeck_model or saved, str(saved / "tokenizer.json")))

    import tokenizer_families as families
    add("smollm2", smollm2, SMOLLM2, SMOLLM2)
    add("gpt2", gpt2, PUBLISHED / "gpt2/vocab.bpe", PUBLISHED / "gpt2")
    for name, (make, source) in families.REAL.items():
        add(name, make, source)
    return found


def small_tokenizers(folder):
    """The same for the small vocabularies of tests/golden/text, which stand in for families whose own are not here."""
    golden = ROOT / "tests/golden/text"
    found = []
    for path in sorted(golden.glob("*/tokenizer.json")) + sorted(golden.glob("families/*/tokenizer.json")):
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        copy = pathlib.Path(folder) / (path.parent.name + ".json")
        tokenizer.save(str(copy))
        found.append((path.parent.name, path.parent, str(copy)))
    return found
