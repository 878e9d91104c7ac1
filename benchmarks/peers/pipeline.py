#!/usr/bin/env python3
"""The EKT demo written in Python, as somebody with Transformers would: the teacher writes programs for the training problems, they are
run as the public executor runs them, two 12-layer students are trained (on programs that nobody checked, and on those that passed), and the
teacher, the untrained student and the two are measured on the test problems. Prompts, limits and options are those of
configs/ekt-demo.toml. Training: Trainer with padding, bf16 autocast. Sampling: Transformers' generate() with the examples of the
prompt in a cache that is computed once, 64 sequences at a time, or llama.cpp (llama.py) with BF16 GGUF files.

  pipeline.py transformers|llama.cpp PROBLEMS TEST_PROBLEMS EXAMPLES STEPS LAYERS      prints what was done, in JSON
"""
import copy
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import fitting
import pairs
import student
import weights
from measure import CORES

K, MAX_NEW_TOKENS, TOP_K, STOPS = 8, 48, 50, ("\n\n", "\n#")
BATCH_SEQUENCES = 64
HERE = pathlib.Path(__file__).resolve().parent


def question_line(question):
    return "# " + " ".join(question.split())


def few_shot(examples, question):
    return "".join(f"{question_line(e['question'])}\n{e['program'].strip()}\n\n" for e in examples) + question_line(question)


def program_of(text):
    for stop in STOPS:
        text = text.lstrip("\n").split(stop)[0]
    return text.strip()


class Transformers:
    def __init__(self, model, words, _):
        import torch

        self.torch, self.model, self.words, self.tokens = torch, copy.deepcopy(model).to(torch.bfloat16).eval(), words, 0
        self.model.config.use_cache = True

    def sample(self, prompts, temperature):
        """K texts of each prompt, in its order."""
        torch, words, texts = self.torch, self.words, []
        ids = [words(prompt)["input_ids"] for prompt in prompts]
        shared = weights.common_prefix(ids)
        with torch.inference_mode():
            cache = self.model(torch.tensor([ids[0][:shared]]), use_cache=True).past_key_values if shared > 16 else None
            for begin in range(0, len(ids), BATCH_SEQUENCES // K):
                part = ids[begin:begin + BATCH_SEQUENCES // K]
                width = max(map(len, part))
                # Padding stands between the shared part and the rest, or in front where nothing is shared.
                head = shared if cache else 0
                rows = [one[:head] + [words.pad_token_id] * (width - len(one)) + one[head:] for one in part for _ in range(K)]
                mask = [[1] * head + [0] * (width - len(one)) + [1] * (len(one) - head) for one in part for _ in range(K)]
                kept = copy.deepcopy(cache) if cache else None
                if kept:
                    kept.batch_repeat_interleave(len(rows))
                out = self.model.generate(input_ids=torch.tensor(rows), attention_mask=torch.tensor(mask), past_key_values=kept, do_sample=True,
                                          temperature=temperature, top_k=TOP_K, top_p=1.0, max_new_tokens=MAX_NEW_TOKENS,
                                          pad_token_id=words.pad_token_id, stop_strings=list(STOPS), tokenizer=words)[:, width:]
                self.tokens += int((out != words.pad_token_id).sum())
                texts += words.batch_decode(out, skip_special_tokens=True)
        return texts

    def close(self):
        self.model = None


class LlamaCpp:
    def __init__(self, model, words, folder):
        import llama

        file = weights.gguf("bf16")
        if model is not None:
            file = folder / "student.gguf"
            student.write_gguf(model, file)
        self.tokens = 0
        self.llama = llama.Llama(file, BATCH_SEQUENCES, 512, flash=1, threads=CORES)

    def sample(self, prompts, temperature):
        ids = [self.llama.tokens_of(prompt) for prompt in prompts]
        done = self.llama.sample(ids, K, MAX_NEW_TOKENS, temperature, seed=1, stops=[s.encode() for s in STOPS], top_k=TOP_K)
        self.tokens += sum(len(sample.tokens) for sample in done)
        return [sample.text.decode(errors="replace") for sample in sorted(done, key=lambda sample: sample.prompt)]

    def close(self):
        self.llama.close()


def judged(problems, texts, folder):
    """[(problem, program, passed)], K of each problem."""
    rows = [(problems[i // K], program_of(text)) for i, text in enumerate(texts)]
    (folder / "programs.jsonl").write_text("".join(json.dumps({"program": p, "answer": q["answer"]}) + "\n" for q, p in rows))
    subprocess.run([sys.executable, HERE / "judging.py", folder / "programs.jsonl", folder / "verdicts.json"], check=True)
    return [(q, p, v) for (q, p), v in zip(rows, json.loads((folder / "verdicts.json").read_text()))]


def train(rows, words, steps, layers, folder):
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    model = fitting.load(layers)
    examples = pairs.examples_of([{"prompt": question_line(q["question"]), "completion": "\n" + p} for q, p in rows], words)
    args = TrainingArguments(**pairs.arguments(folder / "trainer", 16, max_steps=steps, learning_rate=2e-4, warmup_steps=10, num_train_epochs=1))
    watch = pairs.Steps(DataCollatorForSeq2Seq(words, label_pad_token_id=-100))
    done, _ = watch.train(Trainer(model=model, args=args, train_dataset=examples, data_collator=watch), 0)
    model.save_pretrained(folder / "model")
    return model, sum(tokens for tokens, _ in done)


def main():
    sampler = {"transformers": Transformers, "llama.cpp": LlamaCpp}[sys.argv[1]]
    problems, test, examples = ([json.loads(line) for line in open(file)] for file in sys.argv[2:5])
    steps, layers = int(sys.argv[5]), int(sys.argv[6])
    words, done = pairs.tokenizer(), {"steps": 2 * steps, "samples": 0, "sampled tokens": 0, "trained tokens": 0}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def timed(part, work, *arguments):
            begun = time.perf_counter()
            result = work(*arguments)
            done[part] = round(done.get(part, 0) + time.perf_counter() - begun, 2)
            return result

        def solve(model, prompt, wanted, temperature):
            source = timed("seconds to sample", sampler, model, words, folder)
            texts = timed("seconds to sample", source.sample, [prompt(q["question"]) for q in wanted], temperature)
            done["samples"] += len(texts)
            done["sampled tokens"] += source.tokens
            source.close()
            return timed("seconds to judge", judged, wanted, texts, folder)

        def rate(samples):
            return round(sum(passed for *_, passed in samples) / len(samples), 4)

        def shown(question):
            return few_shot(examples, question)

        teacher = fitting.load() if sampler is Transformers else None  # llama.cpp has its own file of it
        drawn = solve(teacher, shown, problems, 0.6)
        done["teacher pass@1"] = rate(solve(teacher, shown, test, 0.4))
        del teacher
        done["few-shot student pass@1"] = rate(solve(fitting.load(layers), shown, test, 0.4))
        first = {}
        for question, program, passed in drawn:
            if passed:
                first.setdefault(question["id"], (question, program))
        kept = list(first.values())
        unchecked = random.Random(1).sample([(q, p) for q, p, _ in drawn], len(kept))
        done["training rows"] = len(kept)
        for arm, rows in (("unfiltered", unchecked), ("verified", kept)):
            model, tokens = timed("seconds to train", train, rows, words, steps, layers, folder)
            done["trained tokens"] += tokens
            done[f"{arm} student pass@1"] = rate(solve(model, question_line, test, 0.4))
    print(json.dumps(done))


if __name__ == "__main__":
    main()
