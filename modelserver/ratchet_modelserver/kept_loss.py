"""Cross-entropy on the trained positions alone, without logits for all the others.

A batch of 16 answers of 200 tokens behind prompts of 100 has 4,800 positions; with a vocabulary of
150,000 their float32 logits, and as much for the gradient, would be 6 GB. Here the hidden states of
the trained positions go through the output head in pieces, and each piece's gradient is formed with
its loss: the head is frozen, so nothing else is needed of its logits.
"""

from __future__ import annotations

import torch
from torch import nn

PIECE_BYTES = 256 << 20
"""float32 logits held at once."""


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, bias, targets):
        rows = max(1, PIECE_BYTES // (4 * weight.shape[0]))
        total = hidden.new_zeros((), dtype=torch.float32)
        wanted = ctx.needs_input_grad[0]
        gradient = torch.empty_like(hidden) if wanted else None
        for start in range(0, len(hidden), rows):
            piece = slice(start, start + rows)
            logits = nn.functional.linear(hidden[piece], weight, bias).float()
            target = targets[piece, None]
            peak = logits.amax(-1, keepdim=True)
            total -= (logits.gather(1, target) - peak).sum()
            exponents = logits.sub_(peak).exp_()
            sums = exponents.sum(-1, keepdim=True)
            total += sums.log().sum()
            if wanted:
                slope = exponents.div_(sums)
                slope.scatter_add_(1, target, torch.full_like(slope[:, :1], -1.0))
                torch.mm(slope.to(weight.dtype), weight, out=gradient[piece])
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx, slope):
        (gradient,) = ctx.saved_tensors
        return gradient * slope.to(gradient.dtype), None, None, None


def cross_entropy(hidden: torch.Tensor, head: nn.Linear, targets: torch.Tensor) -> torch.Tensor:
    """hidden: [positions, width]; head: frozen; targets: int64 [positions] -> their summed
    cross-entropy, float32 scalar."""
    return _Loss.apply(hidden, head.weight, head.bias, targets)


@torch.no_grad()
def applies(base: nn.Module, ids: torch.Tensor) -> bool:
    """Whether the model's logits are its decoder's states through its output head, nothing more.
    Some models scale or cap them: those need their own forward pass. ids: int64 [1, length]."""
    decoder, head = base.get_decoder(), base.get_output_embeddings()
    if decoder is None or decoder is base or type(head) is not nn.Linear:
        return False
    own = base(input_ids=ids, use_cache=False).logits.float()
    ours = head(decoder(input_ids=ids, use_cache=False).last_hidden_state).float()
    return own.shape == ours.shape and torch.allclose(own, ours, rtol=1e-3, atol=1e-3)
