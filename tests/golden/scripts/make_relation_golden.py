#!/usr/bin/env python3
"""tests/golden/evaluation/relations.json: official scores of made-up predictions by SemEval-2010 Task 8's own scorer.
   python3 make_relation_golden.py semeval2010_task8_scorer-v1.2.pl      (Perl; the scorer comes with the task's data)
The scorer prints two digits of a per cent; here it prints twelve."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

random.seed(8)
RELATIONS = ["Cause-Effect", "Component-Whole", "Content-Container", "Entity-Destination", "Entity-Origin", "Instrument-Agency",
             "Member-Collection", "Message-Topic", "Product-Producer"]
LABELS = ["Other"] + [f"{relation}{direction}" for relation in RELATIONS for direction in ("(e1,e2)", "(e2,e1)")]


def turned(label):
    return label.replace("(e1,e2)", "(e3,e1)").replace("(e2,e1)", "(e1,e2)").replace("(e3,e1)", "(e2,e1)")


def official(scorer, labels, predicted):
    with tempfile.TemporaryDirectory() as folder:
        for name, list_ in (("predicted", predicted), ("labels", labels)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.writelines(f"{i}\t{label}\n" for i, label in enumerate(list_))
        exact = os.path.join(folder, "scorer.pl")
        with open(scorer, encoding="utf-8") as source, open(exact, "w", encoding="utf-8") as file:
            file.write(source.read().replace("macro-averaged F1 = %0.2f", "macro-averaged F1 = %0.12f"))
        printed = subprocess.run(["perl", exact, os.path.join(folder, "predicted"), os.path.join(folder, "labels")], check=True,
                                 capture_output=True, text=True).stdout
    return float(re.search(r"official score is .* = ([0-9.]+)%", printed).group(1)) / 100


rows = []
for count in (1, 12, 80, 400):
    labels = [random.choice(LABELS) for _ in range(count)]
    labels[0] = LABELS[1]  # the scorer divides by the number of relations that occur
    predicted = []
    for label in labels:
        kind = random.random()
        predicted.append(label if kind < 0.5 else turned(label) if kind < 0.7 else random.choice(LABELS))
    rows.append({"labels": [LABELS.index(l) for l in labels], "predicted": [LABELS.index(p) for p in predicted],
                 "official": official(sys.argv[1], labels, predicted)})

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../evaluation/relations.json")
with open(path, "w", encoding="utf-8") as file:
    json.dump({"labels": LABELS, "rows": rows}, file)
    file.write("\n")
