"""tests/golden/sampling.json: what Transformers' logits processors leave of random logits.
Run: python tests/golden/scripts/sampling.py  (torch 2.15, transformers 5.23)"""
import json
import pathlib

import torch
from transformers.generation.logits_process import (
    LogitsProcessorList, MinPLogitsWarper, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper,
    TopPLogitsWarper)

torch.manual_seed(20261)
cases = []
for row, rule in enumerate([
    {"temperature": 0.7}, {"temperature": 1.0, "top_k": 1}, {"temperature": 0.8, "top_k": 40},
    {"temperature": 1.3, "top_p": 0.9}, {"temperature": 1.0, "top_p": 0.05}, {"temperature": 2.0, "min_p": 0.1},
    {"temperature": 0.6, "top_k": 50, "top_p": 0.8}, {"temperature": 1.1, "top_k": 20, "top_p": 0.95, "min_p": 0.05},
    {"temperature": 1.0, "repetition_penalty": 1.3}, {"temperature": 0.9, "repetition_penalty": 0.8, "top_p": 0.7},
    {"temperature": 1.0, "top_k": 1000}, {"temperature": 3.0, "top_p": 0.999},
]):
    n = [300, 64, 777, 1500][row % 4]
    logits = (torch.randn(1, n) * 3).float()
    if row == 2:  # ties and impossible tokens
        logits[0, 5:25] = logits[0].max()
        logits[0, 30:60] = -float("inf")
    seen = torch.randint(0, n, (1, 12))
    steps = LogitsProcessorList()
    if "repetition_penalty" in rule:
        steps.append(RepetitionPenaltyLogitsProcessor(rule["repetition_penalty"]))
    steps.append(TemperatureLogitsWarper(rule["temperature"]))
    if "top_k" in rule:
        steps.append(TopKLogitsWarper(rule["top_k"]))
    if "top_p" in rule:
        steps.append(TopPLogitsWarper(rule["top_p"]))
    if "min_p" in rule:
        steps.append(MinPLogitsWarper(rule["min_p"]))
    probs = torch.softmax(steps(seen, logits.clone()).double(), -1)[0]
    kept = torch.nonzero(probs).flatten()
    cases.append({
        "rule": rule, "logits": [None if v == -float("inf") else v for v in logits[0].tolist()], "seen": sorted(set(seen[0].tolist())),
        "ids": kept.tolist(), "probs": [round(p, 10) for p in probs[kept].tolist()]})
path = pathlib.Path(__file__).parent.parent / "sampling.json"
path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
