"""One sequence of 128 tokens after the same prompt of 231, as in a chat, each format beside the same format. A sample that ends before
its 128 tokens is drawn anew, since the prompt's share would be another."""
import sampling
from measure import Line

TITLE = "1 sample × 128 tokens after a prompt of 231"
QUICK = dict(samples=1, tokens=128, repeats=2)
FULL = dict(samples=1, tokens=128, repeats=4)
LINES = [Line(TITLE, f"limbeck-{form}", f"llama.cpp-{form}", 1) for form in ("bf16", "q8_0", "q4_0")] + [
    Line(TITLE, "limbeck-bf16", "transformers-bf16", 1)]
missing, run_side = sampling.missing, sampling.run_side


def sides(settings):
    return [side for side in sampling.sides(settings) if not side.endswith("fp32")]
