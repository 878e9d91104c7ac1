"""Training steps of 8 texts of 256 tokens with AdamW and clipping, all tokens counted, with the peak memory of the process tree.

Transformers: fp32; bf16 autocast; bf16 autocast of the model that torch.compile made (its time to compile is left out).
"""
import os
import tempfile

import fitting
from measure import Line

TITLE = "training step, 8 × 256 tokens, AdamW"
QUICK = dict(batch=8, length=256, steps=2, skipped=1)
FULL = dict(batch=8, length=256, steps=5, skipped=1)
LINES = [Line(TITLE, "limbeck-bf16", "transformers", 1.5), Line(TITLE, "limbeck-bf16", "transformers-bf16-compile", 0.6, "peak"),
         Line(TITLE, "limbeck-fp32", "transformers-fp32", 1)]


def sides(settings):
    return ["limbeck-bf16", "limbeck-fp32", "transformers-fp32", "transformers-bf16-autocast", "transformers-bf16-compile"]


def missing(settings):
    return None


def run_side(side, settings):
    name, form, *way = side.split("-")
    return fitting.result(*(limbeck(form, settings) if name == "limbeck" else transformers(form, way == ["compile"], settings)))


def limbeck(precision, settings):
    batch, length, steps = settings["batch"], settings["length"], settings["steps"] + settings["skipped"]
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as data:
        fitting.write_texts(data.name, batch * steps, 2 * length)
        return fitting.limbeck(data.name, settings["skipped"], f"--precision={precision}", f"--text.max-length={length}",
                               "--text.overflow=truncate", f"--train.batch-size={batch}", f"--train.max-steps={steps}",
                               f"--train.micro-batch-tokens={batch * length}")


def transformers(precision, compiled, settings):
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # helpers of the compiler would count as memory
    import torch

    model = fitting.load().train()
    network = torch.compile(model) if compiled else model
    shape = settings["batch"], settings["length"]
    batches = [(ids.numel(), ids) for ids in (torch.randint(0, 49152, shape) for _ in range(settings["steps"] + settings["skipped"]))]
    return fitting.transformers(model, batches, settings["skipped"], lambda ids: network(input_ids=ids, labels=ids).loss, precision)
