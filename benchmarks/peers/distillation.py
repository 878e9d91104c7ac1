"""Logit distillation over the whole vocabulary with the teacher in memory: SmolLM2-135M teaches its 12-layer slice, 8 texts of 256 tokens a
step, KL from the teacher and cross-entropy at equal weights. Speed, and the memory that it takes beyond plain fine-tuning of the same
student with the same teacher loaded.

Transformers: the usual way, both models' logits as [tokens, vocabulary] tensors and kl_div; bf16 autocast, the teacher in bf16. Limbeck:
`limbeck train --teacher`; plain fine-tuning has no way to load a teacher, so its weights count as what they are in bf16, and whatever else
a loaded teacher takes counts as extra.
"""
import json
import sys
import tempfile

import fitting
import measure
import weights
from measure import Line

TITLE = "logit distillation, 135M to 71M, 8 × 256 tokens"
QUICK = dict(batch=8, length=256, steps=2, skipped=1, layers=12)
FULL = dict(batch=8, length=256, steps=5, skipped=1, layers=12)
TEACHER_BYTES = 134_515_008 * 2  # the weights of SmolLM2-135M, tied ones once, in bf16
LINES = [Line(TITLE, "limbeck", "transformers-dense", 1), Line(TITLE, "limbeck", "transformers-dense", 0.2, "extra")]


def sides(settings):
    return ["limbeck-bf16", "transformers-dense"]


def missing(settings):
    return None if measure.knows("train", "--teacher=") else "this build of the program has no `train --teacher`"


def run_side(side, settings):
    if side == "limbeck-bf16":
        taught, plain = (fitting.result(*limbeck(kd, settings)) for kd in (True, False))
        loaded = plain["peak"] + TEACHER_BYTES
        return taught | {"extra": max(0, taught["peak"] - loaded), "plain peak": loaded, "plain rate": plain["rate"]}
    if side == "transformers-dense":
        taught, plain = (alone(f"transformers-{way}-alone", settings) for way in ("taught", "plain"))
        return taught | {"extra": max(0, taught["peak"] - plain["peak"]), "plain peak": plain["peak"], "plain rate": plain["rate"]}
    return fitting.result(*transformers(side == "transformers-taught-alone", settings))


def alone(side, settings):
    """One of the two runs of a peer in a process of its own, since peaks are of processes."""
    done = measure.run([sys.executable, measure.ROOT / "benchmarks/peers/one.py", "distillation", side, json.dumps(settings)])
    return json.loads(done.out.strip().splitlines()[-1])


def limbeck(taught, settings):
    batch, length, steps = settings["batch"], settings["length"], settings["steps"] + settings["skipped"]
    teacher = [f"--teacher={weights.folder()}"] if taught else []
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as data:
        fitting.write_texts(data.name, batch * steps, 2 * length)
        return fitting.limbeck(data.name, settings["skipped"], f"--layers={settings['layers']}", f"--text.max-length={length}",
                               "--text.overflow=truncate", f"--train.batch-size={batch}", f"--train.max-steps={steps}",
                               f"--train.micro-batch-tokens={batch * length}", *teacher)


def transformers(taught, settings):
    import torch
    from torch.nn import functional
    from transformers import AutoModelForCausalLM

    teacher = AutoModelForCausalLM.from_pretrained(weights.folder(), dtype=torch.bfloat16).eval()
    student = fitting.load(settings["layers"]).train()

    def loss_of(ids):
        output = student(input_ids=ids, labels=ids)
        if not taught:
            return output.loss
        with torch.no_grad():
            wanted = teacher(input_ids=ids, use_cache=False).logits
        kl = functional.kl_div(functional.log_softmax(output.logits.flatten(0, 1), -1), functional.softmax(wanted.flatten(0, 1), -1),
                               reduction="batchmean")
        return output.loss + kl

    batches = [(ids.numel(), ids) for ids in (torch.randint(0, 49152, (settings["batch"], settings["length"]))
                                              for _ in range(settings["steps"] + settings["skipped"]))]
    return fitting.transformers(student, batches, settings["skipped"], loss_of)
