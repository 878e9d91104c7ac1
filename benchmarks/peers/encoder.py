"""Sentence embeddings of all-MiniLM-L6-v2 for sentences of SST-2 as they come, one at a time and 32 at a time; tokenising and loading are
outside for the peers, loading for us.

Limbeck: `limbeck embed`, the time that it reports, tokenising and writing inside; int8 is what `limbeck export --weights=int8` wrote. ONNX Runtime: the graph that its own optimiser fuses, in fp32 and with
its dynamic 8-bit quantisation (per channel). Transformers: fp32 and bf16, its default attention. CTranslate2: fp32 and int8. Batches are
padded to their longest sentence, where the side wants that. Every side's embeddings are held against those of Transformers in fp32: the
smallest cosine must pass LEAST_COSINE, and is kept with the measurement.
"""
import json
import pathlib
import re
import tempfile
import time

import encoder_models as models
import measure
from measure import Line

TITLE = "sentence embeddings, all-MiniLM-L6-v2, SST-2"
QUICK = dict(sst2="", sentences=256, repeats=3)
FULL = dict(sst2="", sentences=872, repeats=5)
LEAST_COSINE = {"fp32": 0.99999, "bf16": 0.999, "int8": 0.97}
BATCHES = {"one": 1, "batch": 32}
LINES = [Line(f"{TITLE}, {words}", f"limbeck-{form}-{batch}", f"{peer}-{batch}", 1.3, "sentences")
         for batch, words in (("one", "1 at a time"), ("batch", "32 at a time"))
         for form, peer in (("fp32", "onnxruntime-fp32"), ("fp32", "ctranslate2-fp32"), ("bf16", "transformers-bf16"),
                            ("bf16", "onnxruntime-fp32"), ("int8", "onnxruntime-int8"), ("int8", "ctranslate2-int8"))]


def sides(settings):
    forms = ["limbeck-fp32", "limbeck-bf16", "limbeck-int8", "onnxruntime-fp32", "onnxruntime-int8", "transformers-fp32", "transformers-bf16",
             "ctranslate2-fp32", "ctranslate2-int8"]
    return [f"{form}-{batch}" for batch in BATCHES for form in forms]


def missing(settings):
    if not settings["sst2"]:
        return "no --sst2: a folder with SST-2's stsa.binary.dev"
    return None if pathlib.Path(settings["sst2"], "stsa.binary.dev").exists() else f"{settings['sst2']}/stsa.binary.dev is not there"


def run_side(side, settings):
    import numpy

    name, form, batch = side.split("-")
    models.make()
    texts = models.sentences(settings["sst2"], settings["sentences"])
    expected = models.reference(texts)
    run = {"limbeck": limbeck, "onnxruntime": onnxruntime, "transformers": transformers, "ctranslate2": ctranslate2}[name]
    seconds, embeddings = run(form, BATCHES[batch], texts, settings["repeats"])
    cosine = float((numpy.asarray(embeddings) * expected).sum(1).min())
    if not cosine >= LEAST_COSINE[form]:
        raise SystemExit(f"[encoder] {side}: expected embeddings near Transformers' but received one with a cosine of {cosine:.5f}")
    return {"sentences": len(texts) / seconds, "seconds a sentence": seconds / len(texts), "cosine": round(cosine, 6)}


def limbeck(form, batch, texts, repeats):
    import numpy

    model = models.MODEL
    with tempfile.TemporaryDirectory() as folder:
        source, vectors = pathlib.Path(folder, "texts.jsonl"), pathlib.Path(folder, "out.npy")
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts * repeats))
        if form == "int8":
            model = pathlib.Path(folder, "int8")
            measure.run([measure.PROGRAM, "export", f"--model={models.MODEL}", "--weights=int8", f"--out={model}"])
        # The text after the one that fills a batch begins the next: with one token at most, each text is alone.
        most = 1 if batch == 1 else batch * sum(map(len, models.token_ids(texts))) // len(texts)
        done = measure.run([measure.PROGRAM, "embed", f"--model={model}", f"--input={source}", f"--out={vectors}", "--normalize=yes",
                            f"--precision={'fp32' if form == 'fp32' else 'bf16'}", f"--max-batch-tokens={most}"])
        seconds = float(re.search(r"in ([0-9.]+) s", done.out + done.error).group(1)) / repeats
        rows = numpy.load(vectors)[:len(texts)]
    return seconds, rows


def in_batches(texts, batch, repeats, run):
    """(the least seconds of all sentences once, embeddings) of run(token ids) -> embeddings of a batch."""
    import numpy

    ids = models.token_ids(texts)
    batches = [ids[i:i + batch] for i in range(0, len(ids), batch)]
    for first in batches[:8]:
        run(first)  # warms up
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        rows = [run(one) for one in batches]
        times.append(time.perf_counter() - begun)
    return min(times), numpy.concatenate(rows)


def onnxruntime(form, batch, texts, repeats):
    import numpy
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = measure.CORES
    session = ort.InferenceSession(str(models.onnx(form)), options, providers=["CPUExecutionProvider"])
    wanted = {x.name for x in session.get_inputs()}

    def run(ids):
        ids, mask = models.padded(ids)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        types = {x.name: numpy.int32 if "int32" in x.type else numpy.int64 for x in session.get_inputs()}
        hidden = session.run(None, {name: inputs[name].astype(types[name]) for name in wanted})[0]
        return models.pooled(hidden, mask)
    return in_batches(texts, batch, repeats, run)


def transformers(form, batch, texts, repeats):
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(models.MODEL, dtype=torch.bfloat16 if form == "bf16" else torch.float32).eval()

    def run(ids):
        ids, mask = models.padded(ids)
        with torch.inference_mode():
            hidden = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state
        return models.pooled(hidden.float().numpy(), mask)
    return in_batches(texts, batch, repeats, run)


def ctranslate2(form, batch, texts, repeats):
    import ctranslate2 as ct2
    import numpy

    encoder = ct2.Encoder(str(models.FOLDER / "ctranslate2"), device="cpu", intra_threads=measure.CORES, inter_threads=1,
                          compute_type={"fp32": "float32", "int8": "int8"}[form])

    def run(ids):
        hidden = numpy.array(encoder.forward_batch(ids).last_hidden_state)
        return models.pooled(hidden, models.padded(ids)[1])
    return in_batches(texts, batch, repeats, run)
