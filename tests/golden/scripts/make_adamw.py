"""tests/golden/train/adamw.json: five steps of torch.optim.AdamW on a matrix and a vector, with torch.nn.utils' clipping.

python tests/golden/scripts/make_adamw.py
"""
import json
import pathlib

import torch

torch.manual_seed(5)
matrix = torch.randn(3, 4, dtype=torch.float64).requires_grad_()
vector = torch.randn(5, dtype=torch.float64).requires_grad_()
options = dict(learning_rate=0.03, weight_decay=0.2, beta1=0.8, beta2=0.95, epsilon=1e-6, clip_norm=2.0)
golden = dict(options=options, matrix=matrix.tolist(), vector=vector.tolist(), steps=[])
optimiser = torch.optim.AdamW(
    [dict(params=[matrix], weight_decay=options["weight_decay"]), dict(params=[vector], weight_decay=0.0)],
    lr=options["learning_rate"], betas=(options["beta1"], options["beta2"]), eps=options["epsilon"])
for step in range(5):
    matrix.grad, vector.grad = torch.randn(3, 4, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    row = dict(matrix_gradient=matrix.grad.tolist(), vector_gradient=vector.grad.tolist())
    row["norm"] = torch.nn.utils.clip_grad_norm_([matrix, vector], options["clip_norm"]).item()
    optimiser.step()
    golden["steps"].append(row | dict(matrix=matrix.tolist(), vector=vector.tolist()))
out = pathlib.Path(__file__).parents[1] / "train" / "adamw.json"
out.parent.mkdir(exist_ok=True)
out.write_text(json.dumps(golden, indent=1) + "\n")
