"""Opens encoders that Limbeck saved with Transformers and compares what they compute: check_saved_encoders.py LIST

LIST is a JSON file: [{"folder", "head", "texts", "types", "numbers"}, ...]. Exits with 1 when a difference is 1e-4 or more, or when a
folder lacks a weight or has one too many.
"""
import json
import sys

import torch
import transformers
from transformers import AutoTokenizer

worst = 0.0
for row in json.load(open(sys.argv[1])):
    name = json.load(open(row["folder"] + "/config.json"))["architectures"][0]
    model, info = getattr(transformers, name).from_pretrained(row["folder"], dtype=torch.float32, output_loading_info=True)
    if any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        sys.exit(f"{name}: {info}")
    AutoTokenizer.from_pretrained(row["folder"])
    parts = []
    for i, ids in enumerate(row["texts"]):
        inputs = dict(input_ids=torch.tensor([ids]))
        if row["types"]:
            inputs["token_type_ids"] = torch.tensor([row["types"][i]])
        if row["head"] == "choice":
            inputs = {key: value[None] for key, value in inputs.items()}
        with torch.no_grad():
            out = model.eval()(**inputs)
        if row["head"] == "none":
            pooled = getattr(out, "pooler_output", None)
            parts.append(out.last_hidden_state[0] if pooled is None else pooled)
        elif row["head"] == "span":
            parts.append(torch.stack([out.start_logits[0], out.end_logits[0]], -1))
        else:
            parts.append(out.logits if row["head"] in ("classification", "choice") else out.logits[0])
    theirs = torch.cat(parts).flatten()
    difference = float((theirs - torch.tensor(row["numbers"])).abs().max())
    worst = max(worst, difference)
    print(f"{name}: largest difference {difference:.3g}")
sys.exit(worst >= 1e-4)
