"""all-MiniLM-L6-v2 in the forms that the sides of the row "encoder" read, made once into DEPS/peers/weights: ONNX Runtime's graph with its
transformer fusions, the same with its dynamic 8-bit quantisation, and CTranslate2's folder. With them the sentences as token ids and what
Transformers makes of them in fp32, which every side is held against."""
import json
import pathlib
import shutil

import weights

MODEL = weights.DEPS / "models/minilm"
FOLDER = weights.WEIGHTS / "minilm"
HEADS, WIDTH = 12, 384


def onnx(form):
    return FOLDER / f"{form}.onnx"


def export_onnx():
    import torch
    import transformers
    from onnxruntime.transformers import optimizer

    class LastHidden(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask, token_type_ids):
            return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state

    model = transformers.AutoModel.from_pretrained(MODEL, attn_implementation="eager").eval()
    ids = torch.randint(5, 20000, (2, 9))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    names = ["input_ids", "attention_mask", "token_type_ids"]
    plain = FOLDER / "plain.onnx"
    torch.onnx.export(LastHidden(model), (ids, mask, torch.zeros_like(ids)), str(plain), input_names=names, output_names=["last_hidden_state"],
                      dynamic_axes={name: {0: "batch", 1: "length"} for name in (*names, "last_hidden_state")}, opset_version=17,
                      dynamo=False)
    optimizer.optimize_model(str(plain), model_type="bert", num_heads=HEADS, hidden_size=WIDTH).save_model_to_file(str(onnx("fp32")))


def quantise_onnx():
    import onnx as formats
    from onnxruntime.quantization import QuantType, quantize_dynamic

    part = FOLDER / "int8.part"
    quantize_dynamic(str(onnx("fp32")), str(part), weight_type=QuantType.QInt8, per_channel=True,
                     extra_options={"DefaultTensorType": formats.TensorProto.FLOAT})  # of the fused nodes, which it cannot infer
    part.rename(onnx("int8"))


def make_ctranslate2():
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(str(MODEL)).convert(str(FOLDER / "ctranslate2"), force=True)


def sentences(sst2, count):
    """The first sentences of SST-2's development set."""
    lines = pathlib.Path(sst2, "stsa.binary.dev").read_text().splitlines()[:count]
    return [line.split(" ", 1)[1] for line in lines]


def token_ids(texts):
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.no_padding()
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def pooled(hidden, mask):
    """Mean over the tokens of a text, of length 1, as sentence-transformers has it for this model; numpy."""
    import numpy

    mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return mean / numpy.linalg.norm(mean, axis=1, keepdims=True)


def padded(batch):
    import numpy

    width = max(map(len, batch))
    ids = numpy.zeros((len(batch), width), dtype=numpy.int64)
    mask = numpy.zeros_like(ids)
    for row, text in enumerate(batch):
        ids[row, :len(text)], mask[row, :len(text)] = text, 1
    return ids, mask


def make():
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not onnx("fp32").exists():
        export_onnx()
    if not onnx("int8").exists():
        quantise_onnx()
    if not (FOLDER / "ctranslate2/model.bin").exists():
        shutil.rmtree(FOLDER / "ctranslate2", ignore_errors=True)
        make_ctranslate2()


def reference(texts):
    """What Transformers gives in fp32, [texts, 384]; kept."""
    import hashlib

    import numpy
    import torch
    import transformers

    file = FOLDER / f"reference-{hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:12]}.npy"
    if not file.exists():
        model = transformers.AutoModel.from_pretrained(MODEL).eval()
        with torch.inference_mode():
            rows = [pooled(model(input_ids=torch.tensor([ids])).last_hidden_state.numpy(), numpy.ones((1, len(ids))))
                    for ids in token_ids(texts)]
        numpy.save(file, numpy.concatenate(rows))
    return numpy.load(file)
