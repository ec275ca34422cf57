"""Messages to token ids, by the tokenizer's chat template.

A tokenizer without a chat template gets a plain fallback: each message as `Role:` on a line, its
content, an empty line; then `Assistant:` on a line for the answer.
"""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

from .errors import bad_request


def render(
    tokenizer: PreTrainedTokenizerBase,
    messages: list[dict[str, str]],
    add_generation_prompt: bool = True,
    continue_final_message: bool = False,
) -> str:
    """The text that the model reads. Raises a 400 when the template refuses the messages."""
    if not tokenizer.chat_template:
        return plain(messages, add_generation_prompt, continue_final_message)
    try:
        return tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=continue_final_message,
        )
    except Exception as error:
        raise bad_request(
            f"The model's chat template refuses these messages: {error}", "messages"
        ) from None


def plain(messages: list[dict[str, str]], add_generation_prompt: bool, unfinished: bool) -> str:
    text = "".join(f"{m['role'].capitalize()}:\n{m['content']}\n\n" for m in messages)
    if unfinished:
        return text[:-2]
    return text + "Assistant:\n" if add_generation_prompt else text


def encode(tokenizer: PreTrainedTokenizerBase, text: str, special: bool = False) -> list[int]:
    """Token ids. A chat template writes its own special tokens (BOS too), so `special` stays off
    then."""
    if tokenizer.is_fast:
        return tokenizer.backend_tokenizer.encode(text, add_special_tokens=special).ids
    return tokenizer.encode(text, add_special_tokens=special)


def prompt_ids(
    tokenizer: PreTrainedTokenizerBase,
    messages: list[dict[str, str]],
    add_generation_prompt: bool = True,
    continue_final_message: bool = False,
) -> list[int]:
    """Token ids of the prompt. Raises a 400 when there is nothing for the model to read."""
    text = render(tokenizer, messages, add_generation_prompt, continue_final_message)
    special = not tokenizer.chat_template
    ids = encode(tokenizer, text, special)
    if special and len(ids) > 1 and ids[-1] == tokenizer.eos_token_id:
        ids = ids[:-1]  # some tokenizers close what they encode; the answer is still to come
    if not ids:
        raise bad_request("The messages render to an empty prompt.", "messages")
    unknown = tokenizer.unk_token_id
    if unknown is None and tokenizer.is_fast and not decode(tokenizer, ids):
        raise bad_request("The tokenizer knows none of the prompt's characters.", "messages")
    return ids


def decode(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> str:
    """Text without special tokens."""
    if tokenizer.is_fast:
        return tokenizer.backend_tokenizer.decode(ids, skip_special_tokens=True)
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


class Detokenizer:
    """Text of a growing list of tokens, piece by piece.

    Decodes a short window only: the last piece's tokens and the new ones, as the text of a token
    can depend on its left neighbour; text that ends inside a character (U+FFFD) waits for the
    rest.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer
        self.tokens: list[int] = []
        self.start = self.end = 0

    def push(self, tokens: list[int], last: bool = False) -> str:
        """The text that `tokens` add."""
        self.tokens += tokens
        known = decode(self.tokenizer, self.tokens[self.start : self.end])
        full = decode(self.tokenizer, self.tokens[self.start :])
        if len(full) <= len(known) or (full.endswith("\ufffd") and not last):
            return full[len(known) :] if last else ""
        self.start, self.end = self.end, len(self.tokens)
        return full[len(known) :]
