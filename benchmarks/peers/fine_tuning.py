"""Fine-tuning all-MiniLM-L6-v2 on SST-2, 32 sentences a step as they come, AdamW and clipping, dropout of the config, bf16 products with
fp32 masters, with the peak memory of the process tree.

Limbeck: `limbeck run fine-tune`, by its own log. Transformers: the loop that its users write, in bf16 autocast, plain and of the model that
torch.compile made for shapes that change (its time to compile is left out); batches are padded to their longest sentence. Both sides see
the same sentences with the same learning rate; the mean loss of the last half of the steps is kept with the measurement, and must be about as
low as that of the other.
"""
import json
import os
import pathlib
import tempfile

import encoder_models as models
import fitting
import measure
from measure import Line

TITLE = "fine-tuning all-MiniLM-L6-v2 on SST-2, 32 sentences a step"
QUICK = dict(sst2="", batch=32, steps=30, skipped=4)
FULL = dict(sst2="", batch=32, steps=120, skipped=4)
LINES = [Line(TITLE, "limbeck-bf16", "transformers", 1.5, "sentences"),
         Line(TITLE, "limbeck-bf16", "transformers-bf16-compile", 0.6, "peak")]
LEARNING_RATE = 5e-5


def sides(settings):
    return ["limbeck-bf16", "transformers-bf16-autocast", "transformers-bf16-compile"]


def missing(settings):
    if not settings["sst2"]:
        return "no --sst2: a folder with SST-2's stsa.binary.train"
    return None if pathlib.Path(settings["sst2"], "stsa.binary.train").exists() else f"{settings['sst2']}/stsa.binary.train is not there"


def labelled(settings):
    """As many sentences as the steps take: the same ones, in the same order, for every side."""
    count = settings["batch"] * (settings["steps"] + settings["skipped"])
    lines = pathlib.Path(settings["sst2"], "stsa.binary.train").read_text().splitlines()[:count]
    return [(line.split(" ", 1)[1], int(line[0])) for line in lines]


def run_side(side, settings):
    name, _, *way = side.split("-")
    steps, losses, peak = limbeck(settings) if name == "limbeck" else transformers(settings, way == ["compile"])
    half = losses[len(losses) // 2:]
    result = fitting.result(steps, peak)
    return {"sentences": settings["batch"] * len(steps) / sum(seconds for _, seconds in steps), "peak": peak,
            "step seconds": result["step seconds"], "steps": len(steps), "loss": round(sum(half) / len(half), 4)}


def limbeck(settings):
    rows = labelled(settings)
    with tempfile.TemporaryDirectory() as folder:
        for name, some in (("train", rows), ("test", rows[:8])):
            pathlib.Path(folder, name).write_text("".join(f"{label} {text}\n" for text, label in some))
        task = pathlib.Path(folder, "task.toml")
        task.write_text('format = "label-first"\ntext = ["text"]\nlabel = "label"\nlabels = ["negative", "positive"]\nvalues = ["0", "1"]\n'
                        'train = ["train"]\ntest = ["test"]\nmetrics = ["accuracy"]\n')
        done = measure.run([measure.PROGRAM, "run", "fine-tune", f"--model={models.MODEL}", f"--task={task}", f"--out={folder}/run",
                            "--arms=fine-tune", "--precision=bf16", "--resamples=10", f"--train.batch-size={settings['batch']}",
                            f"--train.max-steps={settings['steps'] + settings['skipped']}", f"--train.learning-rate={LEARNING_RATE}"])
        logs = [file for file in pathlib.Path(folder, "run").rglob("log.jsonl")]
        rows = [row for file in logs for row in map(json.loads, open(file)) if row["kind"] == "step"]
    skipped = settings["skipped"]
    return [(row["tokens"], row["seconds"]) for row in rows][skipped:], [row["loss"] for row in rows][skipped:], done.peak


def transformers(settings, compiled):
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # helpers of the compiler would count as memory
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(models.MODEL, num_labels=2, dtype=torch.float32).train()
    network = torch.compile(model, dynamic=True) if compiled else model
    rows, size = labelled(settings), settings["batch"]
    ids = models.token_ids([text for text, _ in rows])
    batches, losses = [], []
    for begin in range(0, len(rows), size):
        tokens, mask = map(torch.from_numpy, models.padded(ids[begin:begin + size]))
        labels = torch.tensor([label for _, label in rows[begin:begin + size]])
        batches.append((int(mask.sum()), dict(input_ids=tokens, attention_mask=mask, labels=labels)))

    def loss_of(batch):
        loss = network(**batch).loss
        losses.append(loss.detach())
        return loss
    steps, peak = fitting.transformers(model, batches, settings["skipped"], loss_of)
    return steps, [float(loss) for loss in losses[settings["skipped"]:]], peak
