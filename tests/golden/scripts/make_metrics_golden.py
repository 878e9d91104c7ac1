#!/usr/bin/env python3
"""tests/golden/evaluation/metrics.json: figures of made-up predictions by scipy, scikit-learn and seqeval.
   python3 -m venv v && v/bin/pip install scipy scikit-learn seqeval && v/bin/python make_metrics_golden.py"""
import importlib.metadata
import json
import os
import random
import warnings

import scipy
import scipy.stats
import seqeval.metrics
import sklearn
import sklearn.metrics as m

warnings.filterwarnings("ignore")
random.seed(6)
out = {"made_by": {"scipy": scipy.__version__, "scikit-learn": sklearn.__version__, "seqeval": importlib.metadata.version("seqeval")},
       "classes": [], "scores": [], "ranking": [], "tags": [], "mcnemar": []}

for classes, rows in ((2, 1), (2, 37), (3, 101), (7, 60), (4, 5)):
    labels = [random.randrange(classes) for _ in range(rows)]
    predicted = [label if random.random() < 0.6 else random.randrange(classes) for label in labels]
    left_out = [classes - 1]
    kept = [c for c in range(classes) if c not in left_out and (c in labels or c in predicted)]
    out["classes"].append({
        "num_classes": classes, "labels": labels, "predicted": predicted, "left_out": left_out,
        "accuracy": m.accuracy_score(labels, predicted),
        "f1": m.f1_score(labels, predicted, labels=[1], average="macro", zero_division=0),
        "macro_f1": m.f1_score(labels, predicted, average="macro"),
        "macro_f1_left_out": m.f1_score(labels, predicted, labels=kept, average="macro") if kept else 0.0,
        "micro_f1_left_out": m.f1_score(labels, predicted, labels=kept, average="micro") if kept else 0.0,
        "matthews": m.matthews_corrcoef(labels, predicted)})

for rows, ties in ((2, False), (31, False), (40, True), (5, True)):
    a = [random.randrange(4) if ties else random.gauss(0, 1) for _ in range(rows)]
    b = [x + random.gauss(0, 1) if not ties else random.randrange(3) for x in a]
    out["scores"].append({"a": a, "b": b, "pearson": scipy.stats.pearsonr(a, b)[0],
                          "spearman": scipy.stats.spearmanr(a, b)[0]})

for rows in (1, 6, 30):
    scores = [random.gauss(0, 1) for _ in range(rows)]
    relevant = [1 if i == 0 else int(random.random() < 0.3) for i in range(rows)]
    order = sorted(range(rows), key=lambda i: -scores[i])
    first = next(i for i, row in enumerate(order) if relevant[row])
    out["ranking"].append({"scores": scores, "relevant": relevant,
                           "average_precision": m.average_precision_score(relevant, scores),
                           "reciprocal_rank": 1 / (first + 1)})

names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "E-LOC", "S-ORG", "I-ORG"]
for rows in (1, 4, 25):
    labels = [[random.choice(names) for _ in range(random.randrange(1, 9))] for _ in range(rows)]
    predicted = [[tag if random.random() < 0.7 else random.choice(names) for tag in row] for row in labels]
    out["tags"].append({"labels": labels, "predicted": predicted,
                        "entity_f1": float(seqeval.metrics.f1_score(labels, predicted)),
                        "token_accuracy": float(seqeval.metrics.accuracy_score(labels, predicted))})

for a, b in ((0, 1), (5, 5), (3, 15), (120, 80), (900, 1100)):
    out["mcnemar"].append({"a": a, "b": b, "p": scipy.stats.binomtest(a, a + b, 0.5).pvalue})

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../evaluation/metrics.json")
with open(path, "w", encoding="utf-8") as file:
    json.dump(out, file, indent=0)
    file.write("\n")
