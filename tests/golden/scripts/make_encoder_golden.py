"""Writes tests/golden/models/encoders.json: what Transformers computes in fp32 with small encoders of every architecture under
every head, and the gradients of their weights.

    python tests/golden/scripts/make_encoder_golden.py

Needs torch and transformers (5.23 made the file here). Weights come from the formula of tests/models/formula_weights.h. Each text goes
through the model alone, without padding.
"""
import json
import os

import numpy as np
import torch
import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from formula import formula

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "models", "encoders.json")
torch.set_num_threads(1)

SMALL = dict(vocab_size=29, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20,
             max_position_embeddings=16)
DISTIL = dict(model_type="distilbert", vocab_size=29, dim=24, n_layers=2, n_heads=3, hidden_dim=20, max_position_embeddings=16)
ALBERT = dict(SMALL, model_type="albert", embedding_size=10)
ELECTRA = dict(SMALL, model_type="electra", embedding_size=10)
MODELS = {
    "bert": dict(SMALL, model_type="bert"),
    "bert, other activation and epsilon, one type": dict(SMALL, model_type="bert", hidden_act="gelu_new", layer_norm_eps=1e-3,
                                                         type_vocab_size=1),
    "roberta": dict(SMALL, model_type="roberta", type_vocab_size=1, layer_norm_eps=1e-5),
    "electra": dict(ELECTRA),
    "electra, tables as wide as blocks": dict(ELECTRA, embedding_size=24),
    "distilbert": dict(DISTIL),
    "albert": dict(ALBERT, num_hidden_layers=3),
    "albert, two groups": dict(ALBERT, num_hidden_layers=4, num_hidden_groups=2, hidden_act="gelu"),
    "albert, tables as wide as blocks": dict(ALBERT, embedding_size=24),
}
STEMS = {"bert": "Bert", "roberta": "Roberta", "electra": "Electra", "distilbert": "DistilBert", "albert": "Albert"}
HEADS = {"none": "Model", "classification": "ForSequenceClassification", "choice": "ForMultipleChoice",
         "tokens": "ForTokenClassification", "span": "ForQuestionAnswering", "masked_lm": "ForMaskedLM"}
LENGTHS = (5, 1, 4)
FIRST_ID = 3  # the ids before it are padding in one architecture or another, which Transformers learns nothing of


def numbers(tensor):
    return [float(f"{x:.8g}") for x in tensor.detach().double().flatten().tolist()]


def run(model, head, ids, types):
    """(the last hidden state, logits) of one text."""
    inputs = dict(input_ids=torch.tensor([ids]), output_hidden_states=True)
    if types is not None:
        inputs["token_type_ids"] = torch.tensor([types])
    if head == "choice":  # a question of one choice
        inputs = {k: v[None] if torch.is_tensor(v) else v for k, v in inputs.items()}
    out = model(**inputs)
    hidden = out.hidden_states[-1][0]
    if head == "none":
        return out.hidden_states, getattr(out, "pooler_output", None)
    if head == "span":
        return out.hidden_states, torch.stack([out.start_logits[0], out.end_logits[0]], -1)
    return out.hidden_states, out.logits if head in ("classification", "choice") else out.logits[0]


rows = []
for name, values in MODELS.items():
    config = CONFIG_MAPPING[values["model_type"]].from_dict(dict(values))
    config._attn_implementation = "eager"
    config.num_labels = 3
    rng = np.random.default_rng(11)
    texts = [rng.integers(FIRST_ID, config.vocab_size, n).tolist() for n in LENGTHS]
    num_types = getattr(config, "type_vocab_size", 0)
    types = [rng.integers(0, num_types, n).tolist() for n in LENGTHS] if num_types > 1 else None
    for head, end in HEADS.items():
        if "," in name and head not in ("classification", "masked_lm"):
            continue
        config.num_labels = 2 if head == "span" else 3
        model = getattr(transformers, STEMS[config.model_type] + end)(config).float().eval()
        with torch.no_grad():
            for parameter_name, parameter in model.named_parameters():
                parameter.copy_(torch.from_numpy(formula(parameter_name, tuple(parameter.shape))))
        parts = [run(model, head, ids, types[i] if types else None) for i, ids in enumerate(texts)]
        states = [torch.cat([hidden[i][0] for hidden, _ in parts]) for i in range(len(parts[0][0]))]
        row = dict(name=name, head=head, config=dict(values, architectures=[type(model).__name__]), texts=texts)
        if types:
            row["types"] = types
        if head == "none":
            row["hidden"] = numbers(states[-1])
            row["state_norms"] = numbers(torch.stack([state.norm() for state in states]))
        if parts[0][1] is not None:
            logits = torch.cat([logits for _, logits in parts])
            row["logits"] = numbers(logits)
        else:
            logits = states[-1]
        # A loss whose gradient at each number is another one: Σ weight · logit, weights as the formula has them.
        (logits * torch.from_numpy(formula("loss", tuple(logits.shape)))).sum().backward()
        if head in ("classification", "masked_lm"):
            row["gradient_norms"] = {n: float(f"{p.grad.norm().item():.6g}") for n, p in model.named_parameters()}
        rows.append(row)

with open(OUT, "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")
