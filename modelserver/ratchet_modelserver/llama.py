"""One decoding step of a small Llama on a CPU, with a tenth of the operations.

`LlamaForCausalLM.forward` runs some 25 small operations per layer and step. For a model of a few
million parameters, starting them costs more than their arithmetic, so that this file does the same
step with few: query, key and value in one product, norm weights and the attention scale folded into
the matrices, rotary positions as one complex product. The results are the same up to rounding. Any
other model takes the general path in decode.py.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import embedding, silu
from transformers import LlamaForCausalLM

from . import attention
from .kvcache import PreallocatedLayer

LIMIT = 32 << 20
"""Parameters above which the arithmetic outweighs what this saves."""


def fits(module: nn.Module) -> bool:
    """Whether `Step` computes what `module` does."""
    if type(module) is not LlamaForCausalLM or not attention.in_use(module):
        return False
    if module.dtype != torch.float32:
        return False
    config = module.config
    return (
        sum(p.numel() for p in module.parameters()) <= LIMIT
        and config.hidden_act == "silu"
        and not config.attention_bias
        and not config.mlp_bias
        and config.rope_parameters["rope_type"] == "default"
        and module.lm_head.bias is None
    )


class Step:
    """The weights of one model, rearranged. Made once per model; holds a second copy of them."""

    @torch.no_grad()
    def __init__(self, module: LlamaForCausalLM):
        config = module.config
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.size = module.model.layers[0].self_attn.head_dim
        self.epsilon = config.rms_norm_eps
        half = self.size // 2
        # Rotary pairs (i, i + half) are brought side by side, to be read as complex numbers.
        # Queries and keys are permuted alike, so that their products stay the same.
        self.order = torch.stack((torch.arange(half), torch.arange(half) + half), 1).flatten()
        self.embedding = module.model.embed_tokens.weight
        self.layers = [self.rearranged(layer) for layer in module.model.layers]
        self.head = (module.lm_head.weight * module.model.norm.weight).T.contiguous()
        angles = torch.outer(
            torch.arange(config.max_position_embeddings).float(), module.model.rotary_emb.inv_freq
        )
        self.rotation = torch.polar(torch.ones_like(angles), angles)[:, None]
        """complex64 [positions, 1, head size / 2]"""

    def rearranged(self, layer: nn.Module) -> tuple[torch.Tensor, ...]:
        own, mlp = layer.self_attn, layer.mlp
        paired = [
            weight.view(-1, self.size, weight.shape[1])[:, self.order].flatten(0, 1)
            for weight in (own.q_proj.weight / math.sqrt(self.size), own.k_proj.weight)
        ]
        qkv = torch.cat((*paired, own.v_proj.weight)) * layer.input_layernorm.weight
        up = torch.cat((mlp.gate_proj.weight, mlp.up_proj.weight))
        up = up * layer.post_attention_layernorm.weight
        weights = (qkv, own.o_proj.weight, up, mlp.down_proj.weight)
        return tuple(weight.T.contiguous() for weight in weights)

    def adopt(self, layers: list[PreallocatedLayer]) -> None:
        """Bring the prompt's keys, computed by Transformers, into this file's order."""
        for layer in layers:
            layer.keys = layer.keys[..., self.order]

    def norm(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True).add_(self.epsilon))

    def __call__(
        self,
        token: torch.Tensor,
        position: torch.Tensor,
        layers: list[PreallocatedLayer],
        padding: torch.Tensor | None,
    ) -> torch.Tensor:
        """token, position: int64 [rows]; padding: bool [rows, 1, 1, prompt width], True where
        there is no token, or None -> logits [rows, vocabulary]."""
        rows = token.shape[0]
        turned = self.heads + self.kv_heads
        rotation = self.rotation[position]
        x = embedding(token, self.embedding)
        for (qkv, out, up, down), layer in zip(self.layers, layers, strict=True):
            mixed = (self.norm(x) @ qkv).view(rows, -1, self.size)
            pairs = torch.view_as_complex(mixed[:, :turned].unflatten(2, (-1, 2))) * rotation
            pairs = torch.view_as_real(pairs).view(rows, turned, self.size)
            keys, values = layer.update(pairs[:, self.heads :, None], mixed[:, turned:, None])
            query = pairs[:, : self.heads].reshape(rows, self.kv_heads, -1, self.size)
            weights = torch.matmul(query, keys.transpose(2, 3))
            if padding is not None:
                weights[..., : padding.shape[-1]].masked_fill_(padding, -torch.inf)
            seen = torch.matmul(weights.softmax(-1), values).view(rows, -1)
            x = torch.addmm(x, seen, out)
            gate, value = (self.norm(x) @ up).chunk(2, -1)
            x = torch.addmm(x, silu(gate).mul_(value), down)
        return self.norm(x) @ self.head
