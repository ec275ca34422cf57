"""The loss of a batch, in parts that fit into memory, by the cheapest way that the model allows."""

from __future__ import annotations

import contextlib
import inspect

import numpy as np
import torch

from . import kept_loss, lora, shared_prefix
from .dataset import Example
from .hyper import SMALL_MODEL

MICRO_TOKENS = 16_384
"""Tokens, padding included, in one forward and backward pass; larger batches are accumulated."""
CPU_MICRO_TOKENS = 2048
"""The same for language models on a CPU: what their layers keep for the backward pass is some
2 MB per token, and a processor is busy with fewer."""


class BatchLoss:
    """Cross-entropy of a model that is being trained."""

    def __init__(
        self,
        model: lora.DenseLora | lora.PeftLora,
        base: torch.nn.Module,
        example: Example,
        size: int,
        recomputes: bool,
    ):
        """model: `base` with its adapter; example: any, to try the ways with; size: parameters of
        the base; recomputes: its layers form what the backward pass needs a second time."""
        self.model = model
        self.device = next(base.parameters()).device
        self.autocast = (
            torch.autocast("cuda", torch.bfloat16)
            if self.device.type == "cuda"
            else contextlib.nullcontext()
        )
        self.head = base.get_output_embeddings()
        # The layers below the output head, where the loss can be made of their states.
        self.decoder, self.shares_prefix = None, False
        if not isinstance(model, lora.DenseLora):
            ids = torch.from_numpy(example.tokens[None, :16]).to(self.device)
            base.eval()
            with self.autocast:
                if kept_loss.applies(base, ids):
                    self.decoder = base.get_decoder()
                    self.shares_prefix = not recomputes and shared_prefix.applies(self.decoder, ids)
            base.train()
        large = self.device.type == "cpu" and size > SMALL_MODEL
        self.micro_tokens = CPU_MICRO_TOKENS if large else MICRO_TOKENS
        self.keeps_logits = "logits_to_keep" in inspect.signature(base.forward).parameters

    def __call__(self, batch: list[Example]) -> torch.Tensor:
        """Summed cross-entropy over the trained tokens. Padding on the right needs no mask:
        attention is causal, and padded positions are in no loss."""
        prefix = self.prefix_of(batch)
        width = max(len(example.tokens) for example in batch)
        ids = np.zeros((len(batch), width), dtype=np.int64)
        labels = np.full((len(batch), width), -100, dtype=np.int64)
        for i, example in enumerate(batch):
            n = len(example.tokens)
            ids[i, :n] = example.tokens
            labels[i, :n] = np.where(example.trained, example.tokens, -100)
        if self.decoder is not None:
            return self.kept(ids, labels, prefix)
        first = int((labels != -100).any(0).argmax())
        keep = {"logits_to_keep": width - max(0, first - 1)} if self.keeps_logits else {}
        with self.autocast:
            logits = self.model(
                input_ids=torch.from_numpy(ids).to(self.device), use_cache=False, **keep
            ).logits
        labels = torch.from_numpy(labels[:, width - logits.shape[1] + 1 :]).to(self.device)
        return torch.nn.functional.cross_entropy(
            logits[:, :-1].float().flatten(0, 1),
            labels.flatten(),
            ignore_index=-100,
            reduction="sum",
        )

    def prefix_of(self, batch: list[Example]) -> int:
        """How many tokens all examples begin with and none learns, where reading them once pays."""
        return shared_prefix.length(batch) if self.shares_prefix else 0

    def kept(self, ids: np.ndarray, labels: np.ndarray, prefix: int) -> torch.Tensor:
        """The same from the states of the trained positions. ids, labels: int64 [batch, length];
        prefix: tokens that all rows begin with, with no label among them or just behind."""
        labels = labels[:, prefix:]
        rows, columns = np.nonzero(labels[:, 1:] != -100)
        places = torch.from_numpy(rows * labels.shape[1] + columns).to(self.device)
        targets = torch.from_numpy(labels[rows, columns + 1]).to(self.device)
        with self.autocast:
            states = shared_prefix.states(
                self.decoder, torch.from_numpy(ids).to(self.device), prefix
            )
        kept = states.flatten(0, 1).index_select(0, places).to(self.head.weight.dtype)
        return kept_loss.cross_entropy(kept, self.head, targets)

    def micro_batches(self, batch: list[Example]) -> list[list[Example]]:
        """The batch in parts of at most `micro_tokens`, of examples of like length."""
        batch = sorted(batch, key=lambda example: len(example.tokens))
        prefix = self.prefix_of(batch)
        parts: list[list[Example]] = [[]]
        for example in batch:
            own = len(example.tokens) - prefix
            if parts[-1] and prefix + (len(parts[-1]) + 1) * own > self.micro_tokens:
                parts.append([])
            parts[-1].append(example)
        return parts
