"""Golden files of tests/formats: blocks and files as the `gguf` and `safetensors` Python packages make and read them.

python make_formats_golden.py OUT   (gguf 0.19, safetensors 0.8, tensorboard 2.21, numpy, torch; OUT is tests/golden/formats)
"""
import struct
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import quants
from safetensors.torch import save_file
from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

TYPES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]
HALVES = {  # byte offsets of the half-precision scales in a block
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}
# 0, -0, the smallest and a large subnormal, the smallest normal, 1, the largest, infinities
SPECIAL = [0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00]


def random_blocks(name, rng, num_blocks):
    block_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][1]
    blocks = rng.integers(0, 256, (num_blocks, block_bytes), dtype=np.uint8)
    for i in range(num_blocks):
        for offset in HALVES[name]:
            if i < len(SPECIAL) * 2:
                bits = SPECIAL[int(rng.integers(len(SPECIAL)))] if i >= len(SPECIAL) else SPECIAL[i]
            else:
                bits = int(np.float16(rng.normal() * 0.01).view(np.uint16))
            blocks[i, offset:offset + 2] = np.frombuffer(struct.pack("<H", bits), np.uint8)
    return blocks


def blocks_file(out, rng):
    """blocks.safetensors: NAME.blocks [n, bytes] and NAME.values [n, numbers] fp32."""
    tensors = {}
    for name in TYPES:
        num_blocks = 40 if name.endswith("K") else 60
        blocks = random_blocks(name, rng, num_blocks)
        with np.errstate(all="ignore"):
            values = quants.dequantize(blocks, gguf.GGMLQuantizationType[name]).astype(np.float32)
        tensors[name + ".blocks"] = torch.from_numpy(blocks)
        tensors[name + ".values"] = torch.from_numpy(values.reshape(num_blocks, -1).copy())
    save_file(tensors, out / "blocks.safetensors")


def encoded_file(out):
    """encoded.safetensors: numbers [n, 32] fp32, and NAME.blocks [n, bytes] that the gguf package makes of them."""
    rng = np.random.default_rng(11)
    numbers = (rng.normal(size=(64, 32)) * 10.0 ** rng.integers(-6, 3, (64, 1))).astype(np.float32)
    numbers[0] = 0
    numbers[1] = 1.5
    numbers[2] = -numbers[2].max()
    numbers[3, ::2] = -numbers[3, 1::2]                     # each magnitude twice, with both signs
    numbers[4] = np.arange(32, dtype=np.float32) - 16       # halves between two steps
    numbers[5] = np.arange(32, dtype=np.float32) * 127 / 62
    numbers[6] = 0
    numbers[6, 31] = -1e-7                                  # a scale that is subnormal in half precision
    tensors = {"numbers": torch.from_numpy(numbers)}
    for name in ["F16", "BF16", "Q8_0", "Q4_0"]:
        blocks = quants.quantize(numbers, gguf.GGMLQuantizationType[name])
        tensors[name + ".blocks"] = torch.from_numpy(np.ascontiguousarray(blocks).view(np.uint8).reshape(64, -1).copy())
    save_file(tensors, out / "encoded.safetensors")


def gguf_file(path, rng, endianess=gguf.GGUFEndian.LITTLE):
    """One tensor of each type, and metadata of each type. Returns what a reader must see."""
    w = gguf.GGUFWriter(path, "llama", endianess=endianess)
    w.add_uint8("a.u8", 200)
    w.add_int8("a.i8", -100)
    w.add_uint16("a.u16", 60000)
    w.add_int16("a.i16", -30000)
    w.add_uint32("a.u32", 4000000000)
    w.add_int32("a.i32", -2000000000)
    w.add_uint64("a.u64", 2**63 + 5)
    w.add_int64("a.i64", -(2**62))
    w.add_float32("a.f32", 0.5)
    w.add_float64("a.f64", 0.1)
    w.add_bool("a.bool", True)
    w.add_string("a.string", "G\u00fc\u00dfe, \u4e16\u754c")
    w.add_array("a.numbers", [1, -2, 3])
    w.add_array("a.floats", [0.5, 2.0])
    w.add_array("a.nested", [[1, 2], [3]])
    w.add_array("tokenizer.ggml.tokens", ["<s>", "\u0120the", "\u010a", ""])
    expected = {}
    plain = rng.normal(size=(3, 64)).astype(np.float32)
    w.add_tensor("plain.f32", plain)
    expected["plain.f32"] = plain
    half = rng.normal(size=(2, 5)).astype(np.float16)
    w.add_tensor("plain.f16", half)
    expected["plain.f16"] = half.astype(np.float32)
    bf16 = quants.quantize(rng.normal(size=(4, 8)).astype(np.float32), gguf.GGMLQuantizationType.BF16)
    w.add_tensor("plain.bf16", bf16, raw_dtype=gguf.GGMLQuantizationType.BF16)
    expected["plain.bf16"] = quants.dequantize(bf16, gguf.GGMLQuantizationType.BF16)
    ids = np.array([[1, -2, 3]], dtype=np.int32)
    w.add_tensor("plain.i32", ids)
    expected["plain.i32"] = ids
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        if name.endswith("K"):
            blocks = random_blocks(name, rng, 24)[20:].reshape(2, -1)
        else:
            blocks = quants.quantize(rng.normal(size=(3, 64)).astype(np.float32), kind)
        w.add_tensor("blocks." + name.lower(), blocks, raw_dtype=kind)
        expected["blocks." + name.lower()] = quants.dequantize(blocks, kind).astype(np.float32)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return expected


def events_file(path):
    """What TensorBoardWriter writes with a clock that stands at 1700000000.25, going on at step 3."""
    def event(**fields):
        return event_pb2.Event(wall_time=1700000000.25, **fields)

    events = [event(file_version="brain.Event:2"), event(step=3)]
    events[1].session_log.status = event_pb2.SessionLog.START
    scalars = [(3, [("train/loss", 1.25)]), (300, [("train/loss", 1e-30), ("dev/pass@1", float("nan"))]),
               (2**40, [("l\u00e4nge", -0.0)]), (-1, [("x" * 200, float("inf"))]), (0, [])]
    for step, values in scalars:
        e = event(step=step)
        e.summary.SetInParent()
        for tag, value in values:
            e.summary.value.add(tag=tag, simple_value=value)
        events.append(e)
    with open(path, "wb") as f:
        writer = RecordWriter(f)
        for e in events:
            writer.write(e.SerializeToString())


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    blocks_file(out, rng)
    encoded_file(out)

    expected = gguf_file(out / "v3.gguf", rng)
    save_file({k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in expected.items()}, out / "gguf.safetensors")
    v2 = bytearray((out / "v3.gguf").read_bytes())
    v2[4:8] = struct.pack("<I", 2)  # the two versions differ in nothing else for little-endian files
    (out / "v2.gguf").write_bytes(v2)
    gguf_file(out / "big-endian.gguf", np.random.default_rng(7), gguf.GGUFEndian.BIG)
    big = (out / "big-endian.gguf").read_bytes()[:256]  # refused at its version, so the rest is not needed
    (out / "big-endian.gguf").write_bytes(big)

    events_file(out / "events.tfevents")

    # Every dtype, in an order that is not the file's, one empty tensor and one scalar.
    g = torch.Generator().manual_seed(3)
    f = torch.randn(2, 3, generator=g)
    tensors = {
        "z.f32": f, "a.f32": f.T.contiguous() * 2, "f64": f.double(), "f16": f.half(), "bf16": f.bfloat16(),
        "e4m3": f.to(torch.float8_e4m3fn), "e5m2": f.to(torch.float8_e5m2), "i64": torch.tensor([-(2**40), 7]),
        "i32": torch.tensor([-5], dtype=torch.int32), "i16": torch.tensor([-300], dtype=torch.int16),
        "i8": torch.tensor([-3, 4], dtype=torch.int8), "u8": torch.tensor([200, 1, 0], dtype=torch.uint8),
        "u16": torch.tensor([60000], dtype=torch.uint16), "u32": torch.tensor([4000000000], dtype=torch.uint32),
        "bool": torch.tensor([True, False, True]), "scalar": torch.tensor(1.5), "empty": torch.empty(0, 4),
        "\u00fcnder": torch.tensor([1.0]),
    }
    save_file(tensors, out / "dtypes.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
