"""Tokenizers of every family, as objects of the `tokenizers` library: published vocabularies in the configuration that their
publishers give them, and small vocabularies trained on the corpus of tokenizer_corpus.py that between them use every component
of tokenizer.json that Limbeck computes. The same on every run."""
import collections
import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_sources import MINILM, PUBLISHED, finished

O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
DEEPSEEK = [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+",
            r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""]
TEKKEN = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
    r"\p{N}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
BYTES = [f"<0x{b:02X}>" for b in range(256)]
MARK = "▁"


def model_of(tokenizer):
    return json.loads(tokenizer.to_str())["model"]


def special(*names, **more):
    return [AddedToken(name, special=True, normalized=False, **more) for name in names]


def template(single, pair, *tokens):
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=list(tokens))


# Published vocabularies ---------------------------------------------------------------------------------------------------

def bert(path=PUBLISHED / "bert-base-uncased-vocab.txt"):
    vocabulary = {line.rstrip("\n"): i for i, line in enumerate(open(path, encoding="utf-8"))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))
    tokenizer.post_processor = template("[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
                                        ("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"]))
    return tokenizer


def minilm(folder=MINILM):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def sentencepiece_proto(path):
    from transformers.convert_slow_tokenizer import import_protobuf
    proto = import_protobuf().ModelProto()
    proto.ParseFromString(open(path, "rb").read())
    return proto


def add_control_tokens(tokenizer, proto):
    for piece in proto.pieces:
        if piece.type in (2, 3):
            tokenizer.add_special_tokens(special(piece.piece))
        elif piece.type == 4:
            tokenizer.add_tokens([AddedToken(piece.piece, normalized=False)])


def albert(path=PUBLISHED / "albert-spiece.model"):
    from transformers.convert_slow_tokenizer import check_number_comma
    proto = sentencepiece_proto(path)
    vocabulary = [(p.piece, p.score if check_number_comma(p.piece) else p.score - 100) for p in proto.pieces]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=proto.trainer_spec.unk_id))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
        normalizers.Lowercase(), normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    add_control_tokens(tokenizer, proto)
    tokenizer.post_processor = template("[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
                                        *((t, tokenizer.token_to_id(t)) for t in ("[CLS]", "[SEP]")))
    return tokenizer


def albert_plain(path=PUBLISHED / "albert-spiece.model"):
    """The same vocabulary as T5 is configured, with the precompiled map on text that nothing changed before."""
    proto = sentencepiece_proto(path)
    tokenizer = Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces], unk_id=proto.trainer_spec.unk_id))
    tokenizer.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    add_control_tokens(tokenizer, proto)
    return tokenizer


# Small vocabularies -------------------------------------------------------------------------------------------------------

def byte_fallback_bpe(corpus, first, size, normalizer, pre_tokenizer):
    """BPE whose first tokens are the special ones and the bytes; words are learned with their mark, runs of spaces too."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(f"{MARK}*[^{MARK}]+|{MARK}+"), "isolated")
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=size, special_tokens=first + BYTES, limit_alphabet=300, show_progress=False, max_token_length=16))
    made = model_of(tokenizer)
    tokenizer = Tokenizer(models.BPE(made["vocab"], [tuple(m) for m in made["merges"]], byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    return tokenizer


def fallback_decoder(strip):
    return decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()] + ([decoders.Strip(" ", 1, 0)] if strip else []))


def llama2(corpus):
    tokenizer = byte_fallback_bpe(corpus, ["<unk>", "<s>", "</s>"], 1300, normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]), None)
    tokenizer.decoder = fallback_decoder(True)
    tokenizer.add_special_tokens(special("<unk>", "<s>", "</s>"))
    tokenizer.post_processor = template("<s> $A", "<s> $A <s>:1 $B:1", ("<s>", 1))
    return tokenizer


def mistral(corpus):
    """As Llama 2 and Mistral v0.3 are without "legacy": a mark before the first text only."""
    tokenizer = byte_fallback_bpe(corpus, ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"], 1200, None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False))
    tokenizer.decoder = fallback_decoder(True)
    tokenizer.add_special_tokens(special("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "<|im_start|>"))
    tokenizer.post_processor = template("<s> $A", "<s> $A $B:1", ("<s>", 1))
    return tokenizer


def gemma(corpus):
    tokenizer = byte_fallback_bpe(corpus, ["<pad>", "<eos>", "<bos>", "<unk>"], 1300, normalizers.Replace(" ", MARK), pre_tokenizers.Split(" ", "merged_with_previous"))
    tokenizer.decoder = fallback_decoder(False)
    tokenizer.add_special_tokens(special("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"))
    tokenizer.add_tokens([AddedToken("\n\n", normalized=False), AddedToken("<mark>", normalized=True), AddedToken("word", normalized=True)])
    tokenizer.post_processor = template("<bos> $A", "<bos> $A <bos>:1 $B:1", ("<bos>", 2))
    return tokenizer


def of_common_characters(corpus, most):
    """The texts that the most frequent characters are enough for: Unigram's trainer keeps every character it sees."""
    counts = collections.Counter(c for text in corpus for c in text)
    common = {c for c, _ in counts.most_common(most)}
    return [text for text in corpus if common.issuperset(text)]


def unigram(corpus, size, prepared, first, byte_fallback=False):
    corpus = of_common_characters(corpus, size // 4)
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer = prepared
    tokenizer.train_from_iterator(corpus, trainers.UnigramTrainer(vocab_size=size, special_tokens=first, unk_token="<unk>", show_progress=False, max_piece_length=12, n_sub_iterations=1))
    vocabulary = [(t, round(s, 4)) for t, s in model_of(tokenizer)["vocab"]]
    if byte_fallback:
        vocabulary += [(b, 0.0) for b in BYTES]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=first.index("<unk>"), byte_fallback=byte_fallback))
    if prepared[0]:
        tokenizer.normalizer = prepared[0]
    tokenizer.pre_tokenizer = prepared[1]
    return tokenizer


def t5(corpus):
    prepared = (normalizers.Sequence([normalizers.NFKC(), normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), MARK)]),
                pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]))
    tokenizer = unigram(corpus, 900, prepared, ["<pad>", "</s>", "<unk>"])
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens(special("<pad>", "</s>", "<unk>", *(f"<extra_id_{i}>" for i in range(4))))
    tokenizer.post_processor = template("$A </s>", "$A </s> $B </s>", ("</s>", 1))
    return tokenizer


def xlnet(corpus):
    """Unigram with bytes to fall back on, special tokens at the end, whole sentences as one piece."""
    prepared = (normalizers.Sequence([normalizers.Nmt(), normalizers.NFKD(), normalizers.StripAccents()]), pre_tokenizers.Metaspace(prepend_scheme="first", split=False))
    tokenizer = unigram([c for c in corpus if len(c) < 60], 700, prepared, ["<unk>", "<s>", "</s>", "<sep>", "<cls>"], byte_fallback=True)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first", split=False)])
    tokenizer.add_special_tokens(special("<unk>", "<s>", "</s>", "<sep>", "<cls>"))
    tokenizer.post_processor = template("$A:0 <sep>:0 <cls>:2", "$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2", ("<sep>", 3), ("<cls>", 4))
    return tokenizer


def wordpiece(corpus, normalizer, pre_tokenizer, size, first, **trained):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=40))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    tokenizer.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=size, special_tokens=first, limit_alphabet=500, show_progress=False, **trained))
    return tokenizer


def cased(corpus):
    """Cased BERT with BertProcessing, cut to 24 tokens and padded to 16."""
    first = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = wordpiece(corpus, normalizers.BertNormalizer(lowercase=False), pre_tokenizers.BertPreTokenizer(), 1200, first)
    tokenizer.decoder = decoders.WordPiece(cleanup=True)
    tokenizer.add_special_tokens(special("[PAD]", "[UNK]", "[CLS]", "[SEP]") + special("[MASK]", lstrip=True))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def spaced(corpus):
    """WordPiece over runs of word characters after the steps that BERT's own normaliser is made of."""
    normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents(), normalizers.Strip()])
    tokenizer = wordpiece(corpus, normalizer, pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=False)]), 900, ["[UNK]", "[BOS]"])
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    tokenizer.add_special_tokens(special("[UNK]", "[BOS]"))
    tokenizer.add_tokens([AddedToken("Word", normalized=True, single_word=True), AddedToken("ÅNGSTRÖM", normalized=True, lstrip=True), AddedToken("!", normalized=True, rstrip=True)])
    return tokenizer


def clip(corpus):
    """BPE with a mark at the end of words, as CLIP and the first GPT have it."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.CharDelimiterSplit(" "), pre_tokenizers.Punctuation("contiguous")])
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=1200, special_tokens=["<unk>"], end_of_word_suffix="</w>", limit_alphabet=400, show_progress=False))
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    return tokenizer


def continued(corpus):
    """BPE with a prefix on what continues a word, every way of splitting, and unknown characters that are not fused."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\s"), "removed"), pre_tokenizers.Split("-", "merged_with_next"), pre_tokenizers.Split(Regex(r"[\p{Lu}]"), "merged_with_next"),
        pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.Split(Regex(r"\d+"), "contiguous", invert=True), pre_tokenizers.FixedLength(7)])
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=1000, special_tokens=["<unk>"], continuing_subword_prefix="##", limit_alphabet=200, show_progress=False))
    tokenizer.decoder = decoders.WordPiece("##", cleanup=False)
    return tokenizer


def byte_level(corpus, pre_tokenizer, size=1000, normalizer=None, **model):
    tokenizer = finished(Tokenizer(models.BPE()), pre_tokenizer)
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False, max_token_length=20))
    made = model_of(tokenizer)
    tokenizer = finished(Tokenizer(models.BPE(made["vocab"], [tuple(m) for m in made["merges"]], **model)), pre_tokenizer)
    if normalizer:
        tokenizer.normalizer = normalizer
    return tokenizer


def no_regex():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def split(regex):
    return pre_tokenizers.Split(Regex(regex), "isolated")


def roberta(corpus):
    tokenizer = byte_level(corpus, pre_tokenizers.ByteLevel(add_prefix_space=True))
    tokenizer.add_special_tokens(special("<s>", "<pad>", "</s>", "<unk>") + special("<mask>", lstrip=True))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>")))
    return tokenizer


def o200k(corpus):
    tokenizer = byte_level(corpus, pre_tokenizers.Sequence([split(O200K), no_regex()]), ignore_merges=True)
    tokenizer.add_special_tokens(special("<|endoftext|>"))
    return tokenizer


def tekken(corpus):
    tokenizer = byte_level(corpus, pre_tokenizers.Sequence([split(TEKKEN), no_regex()]), size=800)
    tokenizer.add_special_tokens(special("<s>", "</s>"))
    tokenizer.post_processor = template("<s> $A </s>", "<s> $A </s> $B:1 </s>:1", ("<s>", tokenizer.token_to_id("<s>")), ("</s>", tokenizer.token_to_id("</s>")))
    return tokenizer


def deepseek(corpus):
    tokenizer = byte_level(corpus, pre_tokenizers.Sequence([split(r) for r in DEEPSEEK] + [no_regex()]), size=800, normalizer=normalizers.Sequence([]))
    tokenizer.add_special_tokens(special("<|begin of sentence|>", "<|end of sentence|>"))
    tokenizer.add_tokens([AddedToken("<|User|>", normalized=False), AddedToken("<mark>", normalized=True)])
    return tokenizer


def falcon(corpus):
    tokenizer = byte_level(corpus, pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.Digits(individual_digits=False), split("[0-9][0-9][0-9]")]), size=800)
    tokenizer.add_special_tokens(special("<|endoftext|>"))
    return tokenizer


def normalized_bytes(corpus):
    """Bytes as characters by a normaliser, pieces as the pre-tokenizer of WordPiece would cut those."""
    tokenizer = byte_level(corpus, pre_tokenizers.ByteLevel(add_prefix_space=False), size=700)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.ByteLevel()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split("Ġ", "merged_with_next")
    tokenizer.add_tokens([AddedToken("<mark>", normalized=True), AddedToken("Ångström", normalized=True)])
    return tokenizer


SMALL = [llama2, mistral, gemma, t5, xlnet, cased, spaced, clip, continued, roberta, o200k, tekken, deepseek, falcon, normalized_bytes]
REAL = {"bert": (bert, PUBLISHED / "bert-base-uncased-vocab.txt"), "albert": (albert, PUBLISHED / "albert-spiece.model"),
        "albert_plain": (albert_plain, PUBLISHED / "albert-spiece.model"), "minilm": (minilm, MINILM / "tokenizer.json")}
