"""Attention on a CPU: over tokens cached per row, and over a prefix that all rows share.

PyTorch's fused CPU kernel is made for long queries. For one new token per row it is slower than two
batched matrix products by two to forty times (the most with a mask and grouped heads, which is how
`generate` calls it), given keys stored with the tokens along the last axis (see kvcache.py). Scores
are float32 whatever the model's dtype: bfloat16 scores would be off by halves where a model's keys
have large biases, as Qwen's do.

The shared prefix is read once for all rows: every row's queries go over it as one long query, and
the two results are joined by their log-sum-exp (Juravsky et al. 2024, "Hydragen").
"""

from __future__ import annotations

import threading

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "ratchet_cpu_decode"

flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


class Frame(threading.local):
    """What `attend` must know beyond Transformers' arguments; each engine thread has its own."""

    active = False
    """Rows are padded on the right: Transformers was given no mask, and `hidden` says what to
    leave out."""
    layer = None
    """The cache layer updated last: the one whose attention comes next."""
    hidden: torch.Tensor | None = None
    """bool [rows, 1, 1, tokens], True where a row has no token; or None. Later tokens are seen."""


frame = Frame()


def attend(module, query, key, value, attention_mask, scaling=None, **options):
    """Transformers' attention interface: query [rows, heads, new tokens, size], key and value
    [rows, KV heads, tokens, size], mask bool or additive [rows, 1, new tokens, tokens] or None
    -> ([rows, new tokens, heads, size], None)."""
    rows, heads, new, size = query.shape
    special = options.get("position_bias") is not None or options.get("softcap") is not None
    scale = size**-0.5 if scaling is None else scaling
    if frame.active and not special and attention_mask is None:
        prefix = frame.layer.prefix
        if new == 1:
            return one_token(query, key, value, scale, frame.hidden, prefix), None
        return prompt(query, key, value, scale, prefix), None
    if new != 1 or special or (attention_mask is not None and attention_mask.shape[1] != 1):
        return sdpa_attention_forward(
            module, query, key.to(value.dtype), value, attention_mask, scaling=scaling, **options
        )
    return one_token(query, key, value, scale, None, None, attention_mask), None


def one_token(query, key, value, scale, hidden, prefix, mask=None) -> torch.Tensor:
    """One new token per row: -> [rows, 1, heads, size]."""
    rows, heads, _, size = query.shape
    kv_heads = key.shape[1]
    grouped = query.reshape(rows, kv_heads, heads // kv_heads, size)
    scores = torch.matmul(grouped.to(key.dtype), key.transpose(2, 3)).mul_(scale)
    if hidden is not None:
        scores[..., : hidden.shape[-1]].masked_fill_(hidden, -torch.inf)
    if mask is not None:
        if mask.dtype == torch.bool:
            scores.masked_fill_(~mask, torch.finfo(scores.dtype).min)
        else:
            scores += mask
    if prefix is None:
        output = torch.matmul(scores.softmax(-1).to(value.dtype), value)
        return output.reshape(rows, 1, heads, size)
    # The whole prefix enters the softmax as one more column, of the weight that it has in sum.
    before, weight = over_prefix(grouped[:, :, :, None], scale, prefix)
    shares = torch.cat((scores, weight), -1).softmax(-1).to(value.dtype)
    output = torch.matmul(shares[..., :-1], value)
    output += shares[..., -1:] * before[:, :, :, 0]
    return output.reshape(rows, 1, heads, size)


def prompt(query, key, value, scale, prefix) -> torch.Tensor:
    """New tokens that follow each other, padded on the right, so that causality alone keeps the
    padding out: -> [rows, new, heads, size]."""
    rows, heads, new, size = query.shape
    kv_heads = key.shape[1]
    group = heads // kv_heads
    if group > 1:
        key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    output, weight = flash(query, key, value, 0.0, True, scale=scale)
    if prefix is not None:
        before, before_weight = over_prefix(query.unflatten(1, (kv_heads, group)), scale, prefix)
        share = (weight - before_weight.flatten(1, 2)).sigmoid()[..., None].to(output.dtype)
        output = torch.lerp(before.flatten(1, 2), output, share)
    return output.transpose(1, 2)


def over_prefix(query, scale, prefix) -> tuple[torch.Tensor, torch.Tensor]:
    """query [rows, KV heads, group, new, size] over the prefix's (keys, values), each
    [1, KV heads, tokens, size] -> (output of the query's shape, log-sum-exp float32
    [rows, KV heads, group, new])."""
    rows, kv_heads, group, new, size = query.shape
    flat = query.transpose(0, 1).reshape(1, kv_heads, rows * group * new, size)
    output, weight = flash(flat, *prefix, 0.0, False, scale=scale)
    shape = (kv_heads, rows, group, new)
    return (
        output[0].view(*shape, size).transpose(0, 1),
        weight[0].view(shape).transpose(0, 1),
    )


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)


def use(module: nn.Module, device: torch.device) -> None:
    """Switch a model to it where it pays and is the same: on a CPU, in place of SDPA."""
    if device.type == "cpu" and module.config._attn_implementation == "sdpa":
        module.set_attn_implementation(NAME)


def in_use(module: nn.Module) -> bool:
    return module.config._attn_implementation == NAME
