"""The `tokenizers` library's trainers as `limbeck train-tokenizer` is compared with them.

Its WordPieceTrainer gives the "##x" of single characters their ids in the order of a hash map, another one in each process, and ties
between pairs are broken by ids. Handing it the characters as special tokens, in Limbeck's order, fixes those ids and changes nothing else.
"""
import collections

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def untrained(kind, lowercase=True):
    if kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def fixed_ids(tokenizer, texts, limit):
    """The characters that are kept and their continuing forms, in the order of code points."""
    counts, continuing = collections.Counter(), set()
    for text in texts:
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text)):
            counts.update(word)
            continuing.update(word[1:])
    kept = sorted(sorted(counts, key=lambda c: (-counts[c], c))[:limit or None])
    return kept + ["##" + c for c in kept if c in continuing]


def train(kind, texts, vocab_size, min_frequency=2, limit=0, lowercase=True, fix=True):
    tokenizer = untrained(kind, lowercase)
    if kind == "wordpiece":
        special = BERT + (fixed_ids(tokenizer, texts, limit) if fix else [])
        trainer = trainers.WordPieceTrainer(vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=special, show_progress=False,
                                            **({"limit_alphabet": limit} if limit else {}))
    else:
        trainer = trainers.BpeTrainer(vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=ROBERTA, show_progress=False,
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def tokens_of(tokenizer):
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.get)
