"""Train the built-in model from scratch on sums of one to three digits.

    python train_base.py --out arithmetic

Writes a Hugging Face folder that loads without custom code.

One dial matters: it sees no number of more than three significant digits, at every shift that
fits the width. That leaves harder sums to be learnt by the loop, and a model that is right about
what it claims to know. The learning rate anneals to near zero for that second part: a base that
still slips on easy sums hands its slips on through the loop. About 15 minutes on one CPU thread.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import addition
import tokenizer as tok
import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

IGNORED = -100


def build_model(hidden: int, feed_forward: int, layers: int) -> LlamaForCausalLM:
    """A stock Llama with tied embeddings and RoPE; of the default sizes it has 495,360 parameters."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tok.SPECIAL) + len(tok.CHARACTERS),
            hidden_size=hidden,
            intermediate_size=feed_forward,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            pad_token_id=tok.PAD_ID,
            bos_token_id=tok.BOS_ID,
            eos_token_id=tok.EOS_ID,
        )
    )


def batch(size: int, rng: random.Random, encode) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and labels, both [size, length]; labels are IGNORED on the prompt.

    Every example has the same length, so there is no padding.
    """
    ids, labels = [], []
    for _ in range(size):
        problem, zeros = addition.draw_training(rng)
        prompt = encode(addition.user_content(problem, zeros) + "\n")
        answer = encode(addition.work(problem, zeros)) + [tok.EOS_ID]
        ids.append(prompt + answer)
        labels.append([IGNORED] * len(prompt) + answer)
    return torch.tensor(ids), torch.tensor(labels)


def next_token_loss(model, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy over the positions whose label is not IGNORED."""
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED
    )


def cosine(step: int, steps: int, warmup: int = 100) -> float:
    """Factor on the peak learning rate: linear warm-up, then a cosine down to 2 %."""
    return min(1, (step + 1) / warmup) * (
        0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)) + 0.02
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch-size", type=int, default=48)
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="peak")
    parser.add_argument("--hidden", type=int, default=128, help="width; a multiple of 8")
    parser.add_argument("--feed-forward", type=int, default=256)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    tokenizer = tok.build()
    model = build_model(args.hidden, args.feed_forward, args.layers)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=args.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    started, tokens = time.monotonic(), 0

    def encode(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False)

    model.train()
    for step in range(args.steps):
        ids, labels = batch(args.batch_size, rng, encode)
        tokens += ids.numel()
        for group in optimizer.param_groups:
            group["lr"] = args.learning_rate * cosine(step, args.steps)
        loss = next_token_loss(model, ids, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 50 == 0:
            seconds = time.monotonic() - started
            line = {"step": step + 1, "loss": round(loss.item(), 5), "seconds": round(seconds)}
            print(json.dumps(line | {"tokensPerSecond": round(tokens / seconds)}), flush=True)

    # Greedy unless the caller asks otherwise; a worked answer is 111 tokens with its <eos>.
    model.generation_config = GenerationConfig(
        bos_token_id=tok.BOS_ID,
        eos_token_id=tok.EOS_ID,
        pad_token_id=tok.PAD_ID,
        do_sample=False,
        max_new_tokens=128,
    )
    model.save_pretrained(args.out)
    tok.save(tokenizer, args.out)
    (args.out / "model.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
