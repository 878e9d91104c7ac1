"""The plain texts that distilbert, tinybert and a masked language model are pretrained on: sentences of films and of news, out of several data sets.

No sentence of SST's dev and test rows is among them, so that what is measured there was not seen before.
"""
import csv, pathlib, re
import by_seed

FILES = ["sst5/stsa.fine.train", "sst5/stsa.fine.dev", "sst5/stsa.fine.test", "subj/subj.all", "ag_news/test.csv", "wikitext2/valid.txt", "wikitext2/test.txt"]


def missing(data):
    """The first file that is not there, or none."""
    return next((data / name for name in FILES if not (data / name).exists()), None)


def key(text):
    return "".join(re.findall(r"[a-z0-9]+", text.lower()))


def labelled(path, encoding):
    """The texts of "LABEL TEXT" lines."""
    return [line.split(" ", 1)[1].strip() for line in path.read_text(encoding=encoding).splitlines() if " " in line]


def films(data):
    return labelled(data / "sst5/stsa.fine.train", "utf-8") + labelled(data / "subj/subj.all", "latin-1")


def news(data):
    with open(data / "ag_news/test.csv", encoding="utf-8", newline="") as file:
        return [f"{title} {description}".replace("\\", " ") for _, title, description in csv.reader(file)]


def encyclopaedia(data):
    """Sentences of WikiText-2 without headings and without the words that it left out."""
    texts = []
    for name in ("valid.txt", "test.txt"):
        for line in (data / "wikitext2" / name).read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.strip().startswith("="):
                plain = re.sub(r" @([-.,])@ ", r"\1", line.replace("<unk>", ""))
                texts += [" ".join(sentence.split()) for sentence in re.split(r"(?<= [.!?] )", plain)]
    return texts


def read(data):
    """All texts, each once, in an order that mixes the sources: training texts and held-out ones (every twentieth)."""
    seen = {key(text) for part in ("dev", "test") for text in labelled(data / f"sst5/stsa.fine.{part}", "utf-8")}
    texts = []
    for text in films(data) + news(data) + encyclopaedia(data):
        if len(text.split()) >= 4 and key(text) not in seen:
            seen.add(key(text))
            texts.append(text)
    return [t for i, t in enumerate(texts) if i % 20], texts[::20]


def write_if_new(path, texts):
    """A file that is there with the same content stays as it is: a run's identity is the content."""
    content = "".join(text + "\n" for text in texts)
    if not path.exists() or path.read_text(encoding="utf-8") != content:
        path.write_text(content, encoding="utf-8")
    return path


def write(data, folder):
    """train.txt, dev.txt and test.txt in the folder; their paths. The last is every third of the held-out texts."""
    folder.mkdir(parents=True, exist_ok=True)
    texts, held_out = read(data)
    return [write_if_new(folder / name, some) for name, some in (("train.txt", texts), ("dev.txt", held_out), ("test.txt", held_out[::3]))]


def masked_lm(model, data, work):
    """The folder of the model after masked language modelling on these texts, in work/masked-lm; made where it is not there yet."""
    folder = work / "masked-lm"
    if not (folder / "model").exists():
        texts, held_out, _ = write(data, work / "texts")
        by_seed.limbeck("run", "mlm", by_seed.ROOT / "experiments/masked_lm.toml", f"--model={model}", f"--data.texts={texts}", f"--data.dev_texts={held_out}", f"--out={folder}")
    return folder / "model"
