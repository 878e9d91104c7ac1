"""Sampling with llama.cpp as its own `batched` example does it: one sequence a sample, all of them decoded together, the prompt
computed once and lent to its samples (llama_memory_seq_cp), llama.cpp's sampler chain of temperature and distribution.

A sample that ends makes room for the next, so that the batch stays full. What all prompts begin with is computed once too.
"""
import collections
import ctypes
import dataclasses

import llama_cpp as lib

from weights import common_prefix


@dataclasses.dataclass
class Sample:
    prompt: int
    tokens: list
    text: bytes = b""


def silence():
    """llama.cpp writes about every tensor that it loads."""
    global _log
    _log = lib.llama_log_callback(lambda *_: None)
    lib.llama_log_set(_log, ctypes.c_void_p())


class Llama:
    PREFIX, STAGE = 0, 1  # sequences; those of samples follow

    def __init__(self, path, batch, longest, unified=True, flash=-1, threads=2):
        """longest: tokens of a prompt and its continuation; batch: samples that are decoded together."""
        lib.llama_backend_init()
        silence()
        self.batch_size, self.seed = batch, 0
        self.model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        self.vocab = lib.llama_model_get_vocab(self.model)
        wanted = lib.llama_context_default_params()
        sequences = batch + 2
        length = (longest + 255) // 256 * 256
        # Shared memory holds a prompt once: room for the prefix, some prompts that are under way, and every sample's own tokens.
        wanted.n_ctx = length * (3 + batch // 4) + batch * 64 + 255 & ~255 if unified else sequences * length
        wanted.n_seq_max, wanted.n_batch, wanted.kv_unified = sequences, 2048, unified
        wanted.n_threads = wanted.n_threads_batch = threads
        wanted.flash_attn_type, wanted.no_perf = flash, True
        self.context = lib.llama_init_from_model(self.model, wanted)
        self.memory = lib.llama_get_memory(self.context)
        self.batch = lib.llama_batch_init(2048, 0, 1)
        self.pieces = {}

    def tokens_of(self, text):
        data = text.encode()
        ids = (lib.llama_token * (len(data) + 8))()
        count = lib.llama_tokenize(self.vocab, data, len(data), ids, len(ids), False, True)
        return list(ids[:count])

    def close(self):
        lib.llama_batch_free(self.batch)
        lib.llama_free(self.context)
        lib.llama_model_free(self.model)

    def piece(self, token):
        if token not in self.pieces:
            buffer = ctypes.create_string_buffer(256)
            count = lib.llama_token_to_piece(self.vocab, token, buffer, 256, 0, False)
            self.pieces[token] = buffer.raw[:count]
        return self.pieces[token]

    def decode(self, rows):
        """rows: [(token, position, sequence, wants logits)]."""
        batch = self.batch
        for i, (token, position, sequence, logits) in enumerate(rows):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, position, 1, logits
            batch.seq_id[i][0] = sequence
        batch.n_tokens = len(rows)
        if lib.llama_decode(self.context, batch) != 0:
            raise SystemExit("[llama] llama_decode failed")

    def sampler(self, temperature, top_k):
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        if top_k:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(top_k))
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(temperature))
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(self.seed))
        return chain

    def sample(self, prompts, samples, max_new_tokens, temperature, seed=0, stops=(), top_k=0):
        """Lists of tokens -> finished Samples; an end-of-generation token and what follows a stop text are not in them."""
        self.seed = seed
        chain = self.sampler(temperature, top_k)
        lib.llama_memory_clear(self.memory, True)
        shared = common_prefix(prompts)
        if shared:
            self.decode([(token, i, self.PREFIX, False) for i, token in enumerate(prompts[0][:shared])])
        free, running, done = list(range(2, 2 + self.batch_size)), {}, []
        waiting, next_prompt, staged_length = collections.deque(), 0, 0
        while running or waiting or next_prompt < len(prompts):
            while free and (waiting or next_prompt < len(prompts)):
                if not waiting:
                    prompt = prompts[next_prompt]
                    lib.llama_memory_seq_rm(self.memory, self.STAGE, -1, -1)
                    if shared:
                        lib.llama_memory_seq_cp(self.memory, self.PREFIX, self.STAGE, -1, -1)
                    last = len(prompt) - 1
                    self.decode([(prompt[i], i, self.STAGE, i == last) for i in range(shared, len(prompt))])
                    staged_length = len(prompt)
                    for _ in range(samples):
                        waiting.append((next_prompt, lib.llama_sampler_sample(chain, self.context, -1)))
                    next_prompt += 1
                prompt_index, token = waiting.popleft()
                one = Sample(prompt_index, [])
                if self.ends(one, token, max_new_tokens, stops):
                    done.append(one)
                    continue
                slot = free.pop()
                lib.llama_memory_seq_cp(self.memory, self.STAGE, slot, -1, -1)
                running[slot] = (one, staged_length)
            if not running:
                continue
            order = list(running)
            self.decode([(running[slot][0].tokens[-1], running[slot][1] + len(running[slot][0].tokens) - 1, slot, True) for slot in order])
            for row, slot in enumerate(order):
                one = running[slot][0]
                if self.ends(one, lib.llama_sampler_sample(chain, self.context, row), max_new_tokens, stops):
                    done.append(one)
                    del running[slot]
                    lib.llama_memory_seq_rm(self.memory, slot, -1, -1)
                    free.append(slot)
        lib.llama_sampler_free(chain)
        return done

    def ends(self, one, token, max_new_tokens, stops):
        """Takes one more token; whether the sample is complete with it."""
        if lib.llama_vocab_is_eog(self.vocab, token):
            return True
        one.tokens.append(token)
        one.text += self.piece(token)
        for stop in stops:
            if stop in one.text:
                one.text = one.text[:one.text.index(stop)]
                return True
        return len(one.tokens) >= max_new_tokens
