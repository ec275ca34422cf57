"""Attention of one new token per row over cached tokens, on a CPU.

PyTorch's fused CPU kernel is made for long queries; for a single one, two batched matrix products
are quicker by two to four times, given keys stored with the tokens along the last axis (see
kvcache.py).
"""

from __future__ import annotations

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "ratchet_cpu_decode"


def attend(module, query, key, value, attention_mask, scaling=None, **options):
    """Transformers' attention interface: query [rows, heads, new tokens, size], key and value
    [rows, KV heads, tokens, size], mask bool or additive [rows, 1, new tokens, tokens] or None
    -> ([rows, new tokens, heads, size], None)."""
    rows, heads, new, size = query.shape
    special = options.get("position_bias") is not None or options.get("softcap") is not None
    if new != 1 or special or (attention_mask is not None and attention_mask.shape[1] != 1):
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **options
        )
    kv_heads = key.shape[1]
    grouped = query.reshape(rows, kv_heads, heads // kv_heads, size)
    weights = torch.matmul(grouped, key.transpose(2, 3))
    weights.mul_(size**-0.5 if scaling is None else scaling)
    if attention_mask is not None:
        if attention_mask.dtype == torch.bool:
            weights.masked_fill_(~attention_mask, torch.finfo(weights.dtype).min)
        else:
            weights += attention_mask
    output = torch.matmul(weights.softmax(-1), value)
    return output.reshape(rows, 1, heads, size), None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)


def use(module: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Switch a model to it where it pays and is the same: on a CPU in float32, in place of SDPA."""
    if (
        device.type == "cpu"
        and dtype == torch.float32
        and module.config._attn_implementation == "sdpa"
    ):
        module.set_attn_implementation(NAME)


def in_use(module: nn.Module) -> bool:
    return module.config._attn_implementation == NAME
