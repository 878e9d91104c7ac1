"""Fine-tuning on real pairs (GSM8K: short, uneven), loss on completions only, with the end-of-text token learned: useful tokens a second,
padding not counted.

Transformers: its Trainer with a collator that pads each batch to its longest row, bf16 autocast. TRL: SFTTrainer with packing into rows of
as many tokens as a batch has on average, block-diagonal attention, bf16 autocast, no gradient checkpointing (TRL's default would be
slower). Limbeck: `limbeck train`. The same rows, the same number of examples a step, AdamW, clipping. The file (--pairs=FILE or
LIMBECK_GSM8K) has {"question", "answer"} a line.
"""
import json
import os
import pathlib
import tempfile
import time

import fitting
import measure
import weights
from measure import Line

TITLE = "fine-tuning on GSM8K pairs, loss on completions"
QUICK = dict(pairs="", batch=8, steps=4, skipped=1)
FULL = dict(pairs="", batch=16, steps=8, skipped=1)
LINES = [Line(TITLE + ", useful tokens", "limbeck", "transformers-padded", 2.5), Line(TITLE + ", useful tokens", "limbeck", "trl-packed", 2.5)]
BESIDE = measure.ROOT.parent / "shared/data/gsm8k/train.jsonl"


def sides(settings):
    return ["limbeck-bf16", "transformers-padded", "trl-packed"]


def file_of(settings):
    return pathlib.Path(settings["pairs"] or BESIDE)


def missing(settings):
    return None if file_of(settings).exists() else f"no pairs: give --pairs=FILE ({file_of(settings)} not found)"


def rows_of(settings):
    rows = []
    with open(file_of(settings)) as file:
        for line in file:
            row = json.loads(line)
            rows.append({"prompt": row["question"] + "\n", "completion": row["answer"]})
            if len(rows) == settings["batch"] * (settings["steps"] + settings["skipped"]):
                return rows
    raise SystemExit(f"[pairs] {file_of(settings)}: expected at least {len(rows) + 1} rows")


def run_side(side, settings):
    return fitting.result(*{"limbeck-bf16": limbeck, "transformers-padded": padded, "trl-packed": packed}[side](settings))


def limbeck(settings):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as data:
        data.writelines(json.dumps(row) + "\n" for row in rows_of(settings))
        data.flush()
        return fitting.limbeck(data.name, settings["skipped"], f"--train.batch-size={settings['batch']}", "--train.epochs=1")


def arguments(folder, batch, **more):
    return dict(output_dir=folder, per_device_train_batch_size=batch, weight_decay=0.1, max_grad_norm=1.0, optim="adamw_torch_fused", bf16=True,
                use_cpu=True, gradient_checkpointing=False, save_strategy="no", report_to=[], disable_tqdm=True, seed=1,
                **({"num_train_epochs": 1, "learning_rate": 1e-4} | more))


class Steps:
    """Times a Trainer's steps and counts the tokens that its collator lets through."""

    def __init__(self, collator):
        from transformers import TrainerCallback

        self.steps, self.tokens, watch = [], [], self

        class Callback(TrainerCallback):
            def on_step_begin(self, *_, **__):
                watch.begun = time.perf_counter()

            def on_step_end(self, *_, **__):
                watch.steps.append(time.perf_counter() - watch.begun)
        self.callback, self.collator = Callback(), collator

    def __call__(self, examples):
        self.tokens.append(sum(len(example["input_ids"]) for example in examples))
        return self.collator(examples)

    def train(self, trainer, skipped):
        trainer.add_callback(self.callback)
        with measure.PeakMemory(os.getpid()) as memory:
            trainer.train()
        # The loader collates in order; what it has fetched ahead has no step.
        return list(zip(self.tokens, self.steps))[skipped:], memory.bytes


def tokenizer():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(weights.folder())
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    return tokenizer


def examples_of(rows, words):
    examples = []
    for row in rows:
        prompt, completion = words(row["prompt"])["input_ids"], words(row["completion"])["input_ids"] + [words.eos_token_id]
        examples.append({"input_ids": prompt + completion, "attention_mask": [1] * len(prompt + completion),
                         "labels": [-100] * len(prompt) + completion})
    return examples


def padded(settings):
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    words = tokenizer()
    steps = Steps(DataCollatorForSeq2Seq(words, label_pad_token_id=-100))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(model=fitting.load(), args=TrainingArguments(**arguments(folder, settings["batch"])), data_collator=steps,
                          train_dataset=examples_of(rows_of(settings), words))
        return steps.train(trainer, settings["skipped"])


def packed(settings):
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows, words = rows_of(settings), tokenizer()
    average = sum(len(words(row["prompt"] + row["completion"])["input_ids"]) + 1 for row in rows) / len(rows)
    with tempfile.TemporaryDirectory() as folder:
        args = SFTConfig(**arguments(folder, 1), packing=True, max_length=round(average * settings["batch"]), completion_only_loss=True)
        trainer = SFTTrainer(model=fitting.load(), args=args, train_dataset=Dataset.from_list(rows), processing_class=words)
        steps = Steps(trainer.data_collator)
        trainer.data_collator = steps
        return steps.train(trainer, settings["skipped"])
