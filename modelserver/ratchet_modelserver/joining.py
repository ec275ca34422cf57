"""Rows that leave a batch as they end, and those of another batch that join it (continuous
batching)."""

from __future__ import annotations

import numpy as np
import torch

from .guides import Guides

STATE = ("token", "age", "limit", "done", "ends")
"""Tensors [rows] that follow the rows in flight."""


class Joining:
    """The part of `decode.Batch` that changes which rows are in it."""

    def keep_state(self, index: torch.Tensor) -> None:
        """Keep the rows `index` of what the model has computed."""
        self.cache.reorder_cache(index)
        self.position = self.position[index]
        self.mask = self.mask[index] if self.mask is not None else None
        self.hidden = self.hidden[index] if self.hidden is not None else None

    def compact(self, least: int | None = None) -> bool:
        """Drop ended rows once they are `least`, or enough to pay for it. False when no row is
        left."""
        done = self.done.cpu().numpy()
        rows = len(done)
        alive = int(rows - done.sum())
        if alive == 0:
            return False
        if rows - alive < (max(1, rows // 16) if least is None else least):
            return True
        # Rows in place stay there; those from the end fill the holes (what the cache's layers
        # expect).
        index = np.arange(alive)
        index[done[:alive]] = alive + np.flatnonzero(~done[alive:])
        self.slots, self.seeds = self.slots[index], self.seeds[index]
        self.room, self.made = self.room[index], self.made[index]
        if self.guides is not None:
            self.guides.select(self.slots)
        index = torch.from_numpy(index).to(self.device)
        self.keep_state(index)
        self.sampler.select(index)
        for name in STATE:
            setattr(self, name, getattr(self, name)[index])
        return True

    def related(self, other) -> bool:
        """Whether the rows of `other` could go on in this batch, were it not for their prefixes."""
        return self.shares and other.shares and self.module is other.module

    def fits(self, other) -> bool:
        """Whether the rows of `other` can go on in this batch."""
        mine, theirs = (batch.prefix.tokens if batch.prefix else None for batch in (self, other))
        return self.related(other) and mine == theirs

    @torch.inference_mode()
    def own_prefix(self) -> None:
        """Give each row its own copy of the prefix, so that rows that begin otherwise may join."""
        if self.prefix is None:
            return
        for layer, pair in zip(self.cache.layers, self.prefix.layers, strict=True):
            layer.prefix = pair
            layer.own_prefix()
        if self.hidden is not None:
            seen = self.hidden.new_zeros((*self.hidden.shape[:3], len(self.prefix.tokens)))
            self.hidden = torch.cat((seen, self.hidden), -1)
        self.prefix = None

    @torch.inference_mode()
    def absorb(self, other) -> None:
        """Take on the rows of `other`, which has just made its first tokens."""
        for batch in (self, other):
            batch.compact(least=1)
        columns, counts = zip(*(batch.own_columns() for batch in (self, other)), strict=True)
        count = torch.cat(counts)
        length = int(count.max())
        for mine, theirs in zip(self.cache.layers, other.cache.layers, strict=True):
            mine.join(theirs, columns, length)
        at = torch.arange(length, device=self.device)
        hidden = (at >= count[:, None])[:, None, None]
        self.hidden = hidden if bool(hidden.any()) else None
        self.position = torch.cat((self.position, other.position))
        for name in STATE:
            setattr(self, name, torch.cat((getattr(self, name), getattr(other, name))))
        self.sampler.join(other.sampler)
        for name in ("seeds", "room", "made"):
            setattr(self, name, np.concatenate((getattr(self, name), getattr(other, name))))
        self.join_results(other)

    def own_columns(self) -> tuple[torch.Tensor | None, torch.Tensor]:
        """(Which of the cached tokens are each row's, first ones first, int64 [rows, tokens], or
        None for all; how many those are, int64 [rows])."""
        length = self.cache.get_seq_length()
        rows = len(self.slots)
        if self.hidden is None:
            return None, torch.full((rows,), length, device=self.device)
        hidden = torch.zeros((rows, length), dtype=torch.int8, device=self.device)
        hidden[:, : self.hidden.shape[-1]] = self.hidden[:, 0, 0]
        count = length - hidden.sum(-1, dtype=torch.int64)
        return hidden.argsort(dim=-1, stable=True)[:, : int(count.max())], count

    def join_results(self, other) -> None:
        """Bring what both have written so far, and how their rows are followed, together."""
        slots = []
        first = 0
        for batch in (self, other):
            slots.append({int(old): first + i for i, old in enumerate(batch.slots)})
            first += len(batch.slots)
        rows = [b.all_rows[slot] for b in (self, other) for slot in b.slots.tolist()]
        width = max(self.tokens.shape[1], other.tokens.shape[1])
        top = max((b.top for b in (self, other) if b.top is not None), default=None)
        for name in ("tokens",) if top is None else ("tokens", "chosen", "top_ids", "top_values"):
            tail = (top,) if name.startswith("top_") else ()
            kind = np.float32 if name in ("chosen", "top_values") else np.int64
            joined = np.zeros((len(rows), width, *tail), dtype=kind)
            start = 0
            for batch in (self, other):
                old = getattr(batch, name, None)
                end = start + len(batch.slots)
                if old is not None:
                    # The last column is scratch, and must not land among the tokens.
                    old = old[batch.slots, :-1]
                    joined[(slice(start, end), *map(slice, old.shape[1:]))] = old
                start = end
            setattr(self, name, joined)
        self.top = top
        self.watched = {
            places[slot]: watch
            for batch, places in zip((self, other), slots, strict=True)
            for slot, watch in batch.watched.items()
            if slot in places
        }
        self.join_guides(other, rows, slots)
        self.all_rows, self.slots = rows, np.arange(len(rows))
        self.set_block()

    def join_guides(self, other, rows: list, slots: list[dict[int, int]]) -> None:
        both = [batch.guides for batch in (self, other)]
        if not any(both):
            return
        joined = Guides(rows, self.base.vocabulary, self.base.eos_ids)
        joined.left, steps = set(), {}
        for guides, places in zip(both, slots, strict=True):
            if guides is not None:
                guides.renumber(rows, places)
                joined.left |= guides.left
                steps |= guides.steps
        joined.steps |= steps
        joined.select(np.arange(len(rows)))
        self.guides = joined
