"""Generating one batch of rows: prefill, then one token per row and step until every row has ended.

Rows that end are noticed in blocks of steps, not at each one: end tokens and length limits are
compared on the device, and Python looks at single rows only when some have ended, stream, or have
stop strings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from . import kvcache
from .guides import Guides
from .joining import Joining
from .prefill import read, seen
from .prefix import Prefix
from .prompts import decode
from .registry import Base, Weights
from .rows import Logprobs, Piece, Row
from .sampling import Sampler, uniforms
from .watch import Watch

BLOCK = 8
"""Steps between two looks at the rows. Rows run on for up to this many tokens after their end."""
RESERVE_LIMIT = 512
"""Tokens of KV memory set aside at first; more are added when rows turn out longer."""


class Batch(Joining):
    """State of the rows in flight, in the order of the cache's rows; compacted as rows end."""

    def __init__(
        self,
        weights: Weights,
        base: Base,
        rows: list[Row],
        pool: kvcache.BufferPool,
        finish: Callable[[list[Row]], None],
        emit: Callable[[list[Piece]], None],
        prefix: Prefix | None = None,
    ):
        """prefix: computed with the same weights; every prompt begins with it and goes on."""
        self.module, self.base, self.quick = weights.module, base, weights.quick
        self.prefix = prefix
        self.device = next(self.module.parameters()).device
        self.finish, self.emit = finish, emit
        self.all_rows = rows
        settings = [row.settings for row in rows]
        self.room = np.array([s.max_tokens for s in settings])
        """Tokens that each row in flight may make."""
        self.made = np.zeros(len(rows), dtype=np.int64)
        """Tokens that each has made, those after its end included."""
        self.slots = np.arange(len(rows))
        """Which of `all_rows` each row in flight is."""
        # By slot; the last column takes what ended rows go on to make.
        self.tokens = np.zeros((len(rows), int(self.room.max()) + 1), dtype=np.int64)
        self.seeds = np.array([row.seed for row in rows], dtype=np.uint64)
        self.sampler = Sampler(
            [s.temperature for s in settings],
            [s.top_p for s in settings],
            [s.top_k for s in settings],
            self.device,
        )
        self.limit = torch.from_numpy(self.room).to(self.device)
        self.steps = 0
        """Taken so far, whichever rows were there."""
        self.age = torch.zeros(len(rows), dtype=torch.int64, device=self.device)
        """`made`, on the device and within a block of steps too."""
        self.eos = torch.tensor(base.eos_ids, dtype=torch.int64, device=self.device)
        self.done = torch.zeros(len(rows), dtype=torch.bool, device=self.device)
        self.ends = torch.zeros(len(rows), dtype=torch.int64, device=self.device)
        """Steps that a done row took, its end token counted."""
        wanted = [s.logprobs for s in settings if s.logprobs is not None]
        vocabulary = self.module.config.get_text_config(decoder=True).vocab_size
        self.top = min(max(wanted), vocabulary) if wanted else None
        if self.top is not None:
            self.chosen = np.zeros(self.tokens.shape, dtype=np.float32)
            self.top_ids = np.zeros((*self.tokens.shape, self.top), dtype=np.int64)
            self.top_values = np.zeros((*self.tokens.shape, self.top), dtype=np.float32)
        # Rows whose text is needed while they run.
        self.watched = {
            slot: Watch(row, base.tokenizer)
            for slot, row in enumerate(rows)
            if row.settings.stop or row.settings.stream
        }
        guided = any(row.guide is not None for row in rows)
        self.guides = Guides(rows, base.vocabulary, base.eos_ids) if guided else None
        self.set_block()
        self.cache = kvcache.make_cache(
            self.module, pool, min(int(self.room.max()), RESERVE_LIMIT)
        )
        self.pool = pool
        self.shares = base.shares_prefixes and self.quick is None
        self.hidden: torch.Tensor | None = None
        """bool [rows, 1, 1, width], True where a row's cache holds no token of it (`shares`)."""
        self.mask: torch.Tensor | None = None
        """int64 [rows, tokens] as Transformers wants it (not `shares`)."""
        self.logits: torch.Tensor | None = None
        """What the next token is drawn from, when it is there already."""

    def set_block(self) -> None:
        """Steps between two looks at the rows."""
        streamed = any(watch.row.settings.stream for watch in self.watched.values())
        self.block = 1 if streamed else 4 if self.watched else BLOCK

    @torch.inference_mode()
    def run(self) -> None:
        """From the prompts to the last row's end."""
        try:
            self.prefill()
            while self.advance():
                pass
        finally:
            self.close()

    def close(self) -> None:
        """Give the memory back."""
        kvcache.release(self.cache)

    @property
    def kv_bytes(self) -> int:
        """What the keys and values of the rows in flight may come to."""
        ahead = int((self.room - self.made).max())
        tokens = self.cache.get_seq_length() + max(0, ahead)
        return len(self.slots) * tokens * self.base.kv_bytes_per_token

    @torch.inference_mode()
    def prefill(self) -> None:
        """Read the prompts; equal ones once."""
        unique: dict[tuple[int, ...], int] = {}
        which = [unique.setdefault(tuple(row.prompt), len(unique)) for row in self.all_rows]
        prompts = list(map(list, unique))
        if self.shares:
            start = len(self.prefix.tokens) if self.prefix else 0
            tails = [prompt[start:] for prompt in prompts]
            self.logits, self.position, self.hidden = read(
                self.module, self.cache, tails, self.prefix
            )
        else:
            self.prefill_with_mask(prompts)
        if len(prompts) < len(which):
            self.keep_state(torch.tensor(which, device=self.device))
            self.logits = self.logits[torch.tensor(which, device=self.device)]

    def prefill_with_mask(self, prompts: list[list[int]]) -> None:
        """Padded on the left, which layers of any kind understand."""
        width = max(map(len, prompts))
        ids = np.zeros((len(prompts), width), dtype=np.int64)  # any token: it is masked
        mask = np.zeros((len(prompts), width), dtype=np.int64)
        for i, prompt in enumerate(prompts):
            ids[i, width - len(prompt) :] = prompt
            mask[i, width - len(prompt) :] = 1
        self.padded = any(len(prompt) < width for prompt in prompts)
        self.mask = torch.from_numpy(mask).to(self.device)
        positions = (self.mask.cumsum(-1) - 1).clamp_min(0)
        output = self.module(
            input_ids=torch.from_numpy(ids).to(self.device),
            attention_mask=self.mask if self.padded else None,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self.logits, self.position = output.logits[:, -1], positions[:, -1:] + 1
        if self.quick is not None:
            self.quick.adopt(self.cache.layers)

    @torch.inference_mode()
    def advance(self, steps: int = BLOCK) -> bool:
        """One block of at most so many steps, and what it ended. False when no row is left."""
        left = min(steps, int((self.room - self.made).max()))
        ready = torch.from_numpy(uniforms(self.seeds, self.made, self.block)).to(self.device)
        block = []
        for i in range(max(1, min(self.block, left))):
            if self.logits is None:
                self.logits = self.forward(self.token)
            logits, self.logits = self.logits.float(), None
            allowed = logits if self.guides is None else self.guides.mask(logits)
            self.token = token = self.sampler(allowed, ready[:, i])
            if self.guides is not None:
                self.guides.accept(token)
            block.append((token, *self.score(logits, token)))
            self.age += 1
            self.steps += 1
            ended = (token == self.eos) if len(self.eos) == 1 else torch.isin(token, self.eos)
            ended |= self.limit <= self.age
            ended &= ~self.done
            self.ends = torch.where(ended, self.age, self.ends)
            self.done |= ended
            if self.device.type == "cpu" and self.done.all():
                break
        self.collect(block)
        self.look()
        return self.compact()

    def forward(self, token: torch.Tensor) -> torch.Tensor:
        """One step: token ids [rows] -> logits [rows, vocabulary]."""
        if self.quick is not None:
            padding = (self.mask == 0)[:, None, None] if self.padded else None
            logits = self.quick(token, self.position[:, 0], self.cache.layers, padding)
            self.advance_position()
            return logits
        inputs = dict(
            input_ids=token[:, None],
            position_ids=self.position,
            past_key_values=self.cache,
            use_cache=True,
        )
        if self.shares:
            with seen(self.cache, self.prefix, self.hidden):
                output = self.module(**inputs)
        else:
            if self.padded:
                self.mask = torch.cat((self.mask, self.mask.new_ones(self.mask.shape[0], 1)), dim=1)
            mask = self.mask if self.padded else None
            output = self.module(**inputs, attention_mask=mask, logits_to_keep=1)
        self.advance_position()
        return output.logits[:, -1]

    def advance_position(self) -> None:
        # Ended rows run on until they are compacted away; their positions must stay inside the
        # model's.
        self.position = (self.position + 1).clamp_max(self.base.max_length - 1)

    def score(self, logits: torch.Tensor, token: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(log probability [rows], top ids [rows, k], top values [rows, k]), or () when nobody
        asked."""
        if self.top is None:
            return ()
        logprobs = logits.log_softmax(-1)
        values, ids = logprobs.topk(min(self.top, logprobs.shape[-1]), dim=-1)
        return logprobs.gather(1, token[:, None])[:, 0], ids, values

    def collect(self, block: list[tuple[torch.Tensor, ...]]) -> None:
        """Bring the tokens of the last steps over from the device."""
        columns = [torch.stack(column, dim=1).cpu().numpy() for column in zip(*block, strict=True)]
        at = self.made[:, None] + np.arange(len(block))
        at = self.slots[:, None], np.minimum(at, self.tokens.shape[1] - 1)
        self.tokens[at] = columns[0]
        if self.top is not None:
            k = columns[2].shape[2]
            self.chosen[at] = columns[1]
            self.top_ids[(*at, slice(k))] = columns[2]
            self.top_values[(*at, slice(k))] = columns[3]
        self.made += len(block)

    def look(self) -> None:
        """Settle rows that have ended, were cancelled or met a stop string; stream the others."""
        done, ends = self.done.cpu().numpy(), self.ends.cpu().numpy()
        finished, pieces, stopped = [], [], []
        for i, slot in enumerate(self.slots.tolist()):
            row = self.all_rows[slot]
            watch = self.watched.get(slot)
            if row.finish_reason:
                continue
            if row.ticket.cancelled:
                row.finish_reason = "cancelled"
                stopped.append(i)
                finished.append(row)
                continue
            if not done[i] and watch is None:
                continue
            taken = int(ends[i] if done[i] else self.made[i])
            hit_end = bool(done[i]) and int(self.tokens[slot, taken - 1]) in self.base.eos_ids
            if watch is not None:
                new = self.tokens[slot, len(row.tokens) : taken - hit_end].tolist()
                text = watch.push(new, last=bool(done[i]))
                if watch.stopped:
                    row.finish_reason, row.completion_tokens = "stop", len(row.tokens)
                    stopped.append(i)
            else:
                row.tokens = self.tokens[slot, : taken - hit_end].tolist()
            if done[i] and not row.finish_reason:
                row.finish_reason = "stop" if hit_end else "length"
                row.completion_tokens = taken
            if row.settings.logprobs is not None and (row.finish_reason or row.settings.stream):
                n, k = len(row.tokens), row.settings.logprobs
                row.logprobs = Logprobs(
                    self.chosen[slot, :n], self.top_ids[slot, :n, :k], self.top_values[slot, :n, :k]
                )
            if row.finish_reason:
                row.text = decode(self.base.tokenizer, row.tokens) if watch is None else watch.text
                finished.append(row)
            if row.settings.stream and row.error is None and (text or row.finish_reason):
                first, watch.sent = watch.sent, len(row.tokens)
                pieces.append(Piece(row, text, first, watch.sent, row.finish_reason or None))
        if stopped:
            self.done[torch.tensor(stopped, device=self.device)] = True
        if pieces:
            self.emit(pieces)
        if finished:
            self.finish(finished)
