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
from .prompts import decode
from .registry import Base, Weights
from .rows import Logprobs, Piece, Row
from .sampling import Sampler, uniforms
from .watch import Watch

BLOCK = 8
"""Steps between two looks at the rows. Rows run on for up to this many tokens after their end."""
UNIFORM_BLOCK = 64
RESERVE_LIMIT = 512
"""Tokens of KV memory set aside at first; more are added when rows turn out longer."""


class Batch:
    """State of the rows in flight, in the order of the cache's rows; compacted as rows end."""

    def __init__(
        self,
        weights: Weights,
        base: Base,
        rows: list[Row],
        pool: kvcache.BufferPool,
        finish: Callable[[list[Row]], None],
        emit: Callable[[list[Piece]], None],
    ):
        self.module, self.base, self.quick = weights.module, base, weights.quick
        self.device = next(self.module.parameters()).device
        self.finish, self.emit = finish, emit
        self.all_rows = rows
        settings = [row.settings for row in rows]
        limits = np.array([s.max_tokens for s in settings])
        self.longest = longest = int(limits.max())
        self.slots = np.arange(len(rows))
        """Which of `all_rows` each row in flight is."""
        self.tokens = np.zeros((len(rows), longest), dtype=np.int64)
        """Tokens by slot."""
        self.seeds = np.array([row.seed for row in rows], dtype=np.uint64)
        self.sampler = Sampler(
            [s.temperature for s in settings],
            [s.top_p for s in settings],
            [s.top_k for s in settings],
            self.device,
        )
        self.limit = torch.from_numpy(limits).to(self.device)
        self.eos = torch.tensor(base.eos_ids, dtype=torch.int64, device=self.device)
        self.done = torch.zeros(len(rows), dtype=torch.bool, device=self.device)
        self.ends = torch.zeros(len(rows), dtype=torch.int64, device=self.device)
        """Steps that a done row took, its end token counted."""
        wanted = [s.logprobs for s in settings if s.logprobs is not None]
        vocabulary = self.module.config.get_text_config(decoder=True).vocab_size
        self.top = min(max(wanted), vocabulary) if wanted else None
        if self.top is not None:
            self.chosen = np.zeros((len(rows), longest), dtype=np.float32)
            self.top_ids = np.zeros((len(rows), longest, self.top), dtype=np.int64)
            self.top_values = np.zeros((len(rows), longest, self.top), dtype=np.float32)
        # Rows whose text is needed while they run.
        self.watched = {
            slot: Watch(row, base.tokenizer)
            for slot, row in enumerate(rows)
            if row.settings.stop or row.settings.stream
        }
        guided = any(row.guide is not None for row in rows)
        self.guides = Guides(rows, base.vocabulary, base.eos_ids) if guided else None
        self.block = 1 if any(s.stream for s in settings) else BLOCK
        if self.watched:
            self.block = min(self.block, 4)
        self.cache = kvcache.make_cache(self.module, pool, min(longest, RESERVE_LIMIT))

    @torch.inference_mode()
    def run(self) -> None:
        logits = self.prefill()
        try:
            self.steps(logits)
        finally:
            kvcache.release(self.cache)

    def prefill(self) -> torch.Tensor:
        """Logits [rows, vocabulary] after the prompts. Equal prompts are computed once."""
        unique: dict[tuple[int, ...], int] = {}
        which = [unique.setdefault(tuple(row.prompt), len(unique)) for row in self.all_rows]
        prompts = list(unique)
        width = max(map(len, prompts))
        ids = np.full((len(prompts), width), self.base.tokenizer.pad_token_id or 0, dtype=np.int64)
        mask = np.zeros((len(prompts), width), dtype=np.int64)
        for i, prompt in enumerate(prompts):
            ids[i, width - len(prompt) :] = prompt
            mask[i, width - len(prompt) :] = 1
        self.padded = any(len(prompt) < width for prompt in prompts)
        mask = torch.from_numpy(mask).to(self.device)
        positions = (mask.cumsum(-1) - 1).clamp_min(0)
        output = self.module(
            input_ids=torch.from_numpy(ids).to(self.device),
            attention_mask=mask if self.padded else None,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits, self.position = output.logits[:, -1], positions[:, -1:] + 1
        self.mask = mask
        if self.quick is not None:
            self.quick.adopt(self.cache.layers)
        if len(prompts) < len(which):
            index = torch.tensor(which, device=self.device)
            self.cache.reorder_cache(index)
            logits, self.position, self.mask = logits[index], self.position[index], mask[index]
        return logits

    def steps(self, logits: torch.Tensor) -> None:
        step = 0
        block_start, block = 0, []
        ready = None
        while True:
            if step % UNIFORM_BLOCK == 0 or ready is None:
                ready_from = step
                ready = torch.from_numpy(uniforms(self.seeds, step, UNIFORM_BLOCK)).to(self.device)
            logits = logits.float()
            allowed = logits if self.guides is None else self.guides.mask(logits)
            token = self.sampler(allowed, ready[:, step - ready_from])
            if self.guides is not None:
                self.guides.accept(token)
            block.append((token, *self.score(logits, token)))
            step += 1
            ended = (token == self.eos) if len(self.eos) == 1 else torch.isin(token, self.eos)
            ended |= self.limit <= step
            ended &= ~self.done
            self.ends.masked_fill_(ended, step)
            self.done |= ended
            due = step - block_start >= self.block or step == self.longest
            if due or (self.device.type == "cpu" and self.done.all()):
                self.collect(block_start, block)
                self.look(step)
                token = self.compact(token)
                if token is None:
                    return
                if token.shape[0] != ready.shape[0]:
                    ready = None
                block_start, block = step, []
            if ready is None:
                ready_from = step
                ready = torch.from_numpy(uniforms(self.seeds, step, UNIFORM_BLOCK)).to(self.device)
            logits = self.forward(token)

    def forward(self, token: torch.Tensor) -> torch.Tensor:
        """One step: token ids [rows] -> logits [rows, vocabulary]."""
        if self.quick is not None:
            padding = (self.mask == 0)[:, None, None] if self.padded else None
            logits = self.quick(token, self.position[:, 0], self.cache.layers, padding)
            self.advance()
            return logits
        if self.padded:
            self.mask = torch.cat((self.mask, self.mask.new_ones(self.mask.shape[0], 1)), dim=1)
        output = self.module(
            input_ids=token[:, None],
            attention_mask=self.mask if self.padded else None,
            position_ids=self.position,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self.advance()
        return output.logits[:, -1]

    def advance(self) -> None:
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

    def collect(self, start: int, block: list[tuple[torch.Tensor, ...]]) -> None:
        """Bring the tokens of the last steps over from the device."""
        span = slice(start, min(start + len(block), self.tokens.shape[1]))
        columns = [torch.stack(column, dim=1).cpu().numpy() for column in zip(*block, strict=True)]
        width = span.stop - span.start
        self.tokens[self.slots, span] = columns[0][:, :width]
        if self.top is not None:
            k = columns[2].shape[2]
            self.chosen[self.slots, span] = columns[1][:, :width]
            self.top_ids[self.slots, span, :k] = columns[2][:, :width]
            self.top_values[self.slots, span, :k] = columns[3][:, :width]

    def look(self, step: int) -> None:
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
            taken = int(ends[i]) if done[i] else min(step, self.tokens.shape[1])
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

    def compact(self, token: torch.Tensor) -> torch.Tensor | None:
        """Drop ended rows once they are enough to pay for it. The last tokens of the rows that
        stay, or None when none is left."""
        done = self.done.cpu().numpy()
        rows = len(done)
        alive = int(rows - done.sum())
        if alive == 0:
            return None
        if rows - alive < max(1, rows // 16):
            return token
        # Rows in place stay there; those from the end fill the holes (what the cache's layers
        # expect).
        index = np.arange(alive)
        index[done[:alive]] = alive + np.flatnonzero(~done[alive:])
        self.slots, self.seeds = self.slots[index], self.seeds[index]
        if self.guides is not None:
            self.guides.select(self.slots)
        index = torch.from_numpy(index).to(self.device)
        self.cache.reorder_cache(index)
        self.sampler.select(index)
        self.position, self.mask = self.position[index], self.mask[index]
        self.limit, self.done, self.ends = self.limit[index], self.done[index], self.ends[index]
        return token[index]
