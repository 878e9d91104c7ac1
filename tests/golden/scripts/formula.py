"""Weights by a formula that tests/models/formula_weights.h computes too, so that no weights are stored."""
import numpy as np


def hash_name(name):  # FNV-1a
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def formula(name, shape):
    """splitmix64 of (hash of the name + index), its top 24 bits as a uniform number of [-1, 1), exact in fp32."""
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(hash_name(name)) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
    u = u.reshape(shape)
    norm = name.endswith(("norm.weight", "LayerNorm.weight")) or (name.endswith(".weight") and ".ln_" in name)
    return (1 + u / 4 if norm else u / 4).astype(np.float32)
