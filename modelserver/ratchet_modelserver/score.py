"""Log probabilities of given prompts: one forward pass, nothing generated."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from .registry import Base
from .rows import PromptLogprobs

LOGITS_AT_ONCE = 1 << 26
"""Logits held at a time (float32: 256 MB)."""


@torch.inference_mode()
def prompt_logprobs(
    module: nn.Module, base: Base, prompts: list[list[int]], top: int
) -> list[PromptLogprobs]:
    """For each prompt: log probability and rank of every token after the first, and the `top`
    likeliest."""
    device = next(module.parameters()).device
    vocabulary = module.config.get_text_config(decoder=True).vocab_size
    results = []
    start = 0
    while start < len(prompts):
        width, end = 0, start
        while end < len(prompts):
            wider = max(width, len(prompts[end]))
            if end > start and wider * (end + 1 - start) * vocabulary > LOGITS_AT_ONCE:
                break
            width, end = wider, end + 1
        results += score(module, base, prompts[start:end], width, min(top, vocabulary), device)
        start = end
    return results


def score(module, base, prompts, width, top, device) -> list[PromptLogprobs]:
    # Padding on the right: causal attention keeps it out of every real position.
    ids = np.zeros((len(prompts), width), dtype=np.int64)
    for i, prompt in enumerate(prompts):
        ids[i, : len(prompt)] = prompt
    ids = torch.from_numpy(ids).to(device)
    mask = torch.tensor([[1] * len(p) + [0] * (width - len(p)) for p in prompts], device=device)
    logits = module(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1].float()
    logprobs = logits.log_softmax(-1)
    chosen = logprobs.gather(2, ids[:, 1:, None])
    ranks = (logprobs > chosen).sum(-1) + 1
    values, top_ids = logprobs.topk(top, dim=-1)
    columns = [t.cpu().numpy() for t in (chosen[..., 0], ranks, top_ids, values)]
    return [PromptLogprobs(*(c[i, : len(p) - 1] for c in columns)) for i, p in enumerate(prompts)]
