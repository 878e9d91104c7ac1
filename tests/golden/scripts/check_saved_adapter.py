"""Opens an adapter folder that Limbeck wrote with peft and compares logits: check_saved_adapter.py FOLDER IDS LOGITS

The adapter names its base model. IDS are comma-separated; LOGITS is a file of fp32 numbers [tokens, vocabulary] that Limbeck
computed with the adapter. Exits with 1 when the largest difference is 1e-4 or more.
"""
import json
import os
import sys

import numpy as np
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

folder, ids, logits = sys.argv[1], [int(i) for i in sys.argv[2].split(",")], sys.argv[3]
base = json.load(open(os.path.join(folder, "adapter_config.json")))["base_model_name_or_path"]
plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
with torch.no_grad():
    before = plain(torch.tensor([ids])).logits[0].numpy()
model = PeftModel.from_pretrained(plain, folder).eval()
with torch.no_grad():
    theirs = model(torch.tensor([ids])).logits[0].numpy()
ours = np.fromfile(logits, dtype=np.float32).reshape(theirs.shape)
difference = float(np.abs(theirs - ours).max())
print(f"{folder}: largest difference {difference:.3g}; the adapter changes logits by up to {np.abs(theirs - before).max():.3g}")
sys.exit(int(difference >= 1e-4 or np.abs(theirs - before).max() < 1e-2))
