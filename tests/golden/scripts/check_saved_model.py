"""Opens a model folder that Limbeck wrote with Transformers and compares logits: check_saved_model.py FOLDER IDS LOGITS

IDS are comma-separated; LOGITS is a file of fp32 numbers [tokens, vocabulary] that Limbeck computed. Exits with 1 when the largest
difference is 1e-4 or more.
"""
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

folder, ids, logits = sys.argv[1], [int(i) for i in sys.argv[2].split(",")], sys.argv[3]
model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
if any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")):
    sys.exit(f"{folder}: {info}")
model.eval()
with torch.no_grad():
    theirs = model(torch.tensor([ids])).logits[0].numpy()
ours = np.fromfile(logits, dtype=np.float32).reshape(theirs.shape)
difference = float(np.abs(theirs - ours).max())
print(f"{folder}: largest difference {difference:.3g}")
AutoTokenizer.from_pretrained(folder)
GenerationConfig.from_pretrained(folder)
sys.exit(difference >= 1e-4)
