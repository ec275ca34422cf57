"""A tokenizer's chat template, tried out at load: what it takes, what its turns end with, and how
messages that it does not take are put to it.

A tokenizer without a chat template gets a plain form: each message as `Role:` on a line, its
content, an empty line; then `Assistant:` on a line for the answer.
"""

from __future__ import annotations

import inspect

from jinja2 import meta, nodes
from jinja2.sandbox import SandboxedEnvironment
from transformers import PreTrainedTokenizerBase

from .errors import bad_request
from .log import one_line
from .prompts import decode, encode, encode_within

SYSTEM, QUESTION, ANSWER = "Be brief, please.", "What is two plus two?", "It is four, I think."
"""For the trials; no template has these texts itself."""
GIVEN = set(
    "messages tools documents add_generation_prompt raise_exception namespace strftime_now "
    "range bos_token eos_token pad_token unk_token".split()
)
"""What a template is given in any case."""
THINK, THOUGHT = "<think>", "</think>"

Messages = list[dict[str, str]]


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


class Template:
    """Messages to text and token ids, for one tokenizer. Safe to use from several threads."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, rows: int | None = None):
        """rows: of the model's embedding. Raises ValueError for a template that cannot render a plain
        question, or a tokenizer that gives the model ids which it cannot read."""
        self.tokenizer = tokenizer
        self.beyond: dict[int, str] = {}
        """Tokens that the model has no embedding for, by id."""
        self.own = bool(tokenizer.chat_template)
        self.parts = False
        """The template wants content as a list of parts, and drops plain strings."""
        self.folds_system = self.joins_turns = False
        self.end_id: int | None = None
        """The token that the template ends an assistant's turn with, if it is a token of its
        own."""
        self.arguments: list[str] = []
        if self.own:
            self.reserved = set(inspect.signature(tokenizer.apply_chat_template).parameters)
            self.reserved |= {"messages", "raise_exception"}
            self.try_out()
        if rows is not None:
            self.check_rows(rows)

    def check_rows(self, rows: int) -> None:
        vocabulary = self.tokenizer.get_vocab()
        self.beyond = {id: token for token, id in vocabulary.items() if id >= rows}
        # Added ones that no prompt has (a padding token, often) harm nobody.
        added = self.tokenizer.added_tokens_decoder
        plain = encode(self.tokenizer, self.render([turn("user", QUESTION)]), special=not self.own)
        read = [id for id in self.beyond if id not in added or id in plain or id == self.end_id]
        if read:
            id = min(read)
            raise ValueError(
                f"the tokenizer has {len(self.beyond)} tokens beyond the model's embedding of {rows} "
                f"rows ({self.beyond[id]!r} is {id}): take the tokenizer's files (tokenizer.json) that "
                "belong to these weights, or save the model again after resize_token_embeddings"
            )

    def try_out(self) -> None:
        asked = [turn("user", QUESTION)]
        try:
            text = self.apply(asked)
            if QUESTION not in text:
                self.parts = True
                text = self.apply(asked)
            if QUESTION not in text:
                raise ValueError("it leaves out what the user said")
        except Exception as error:
            raise ValueError(
                f"the chat template cannot render a plain question ({one_line(error)}); mend "
                "'chat_template' in the model's folder, or delete it there for the plain form "
                "(User: … Assistant: …)"
            ) from None
        self.folds_system = not self.takes([turn("system", SYSTEM), *asked], SYSTEM, QUESTION)
        answered = [*asked, turn("assistant", ANSWER)]
        if self.takes(answered, ANSWER):
            self.joins_turns = not self.takes([*asked, *answered], QUESTION, ANSWER)
            self.end_id = self.find_end(self.apply(answered, add_generation_prompt=False))
        self.arguments = self.find_arguments()

    def takes(self, messages: Messages, *shown: str) -> bool:
        try:
            text = self.apply(messages)
        except Exception:
            return False
        return all(part in text for part in shown)

    def find_end(self, text: str) -> int | None:
        after = text[text.rfind(ANSWER) + len(ANSWER) :].lstrip()
        ids = encode(self.tokenizer, after) if after else []
        return ids[0] if ids and ids[0] in self.tokenizer.added_tokens_decoder else None

    def find_arguments(self) -> list[str]:
        """Names that `chat_template_kwargs` may set with an effect, as far as the text tells."""
        text = self.tokenizer.chat_template
        if isinstance(text, dict):
            text = text.get("default", "")
        try:
            parsed = SandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"]).parse(text)
        except Exception:
            return []  # extensions of Transformers' own
        own = {name.name for name in parsed.find_all(nodes.Name) if name.ctx == "store"}
        asked = {
            test.node.name
            for test in parsed.find_all(nodes.Test)
            if test.name in ("defined", "undefined") and isinstance(test.node, nodes.Name)
        }
        free = meta.find_undeclared_variables(parsed)
        return sorted((free - own | free & asked) - GIVEN - set(self.tokenizer.special_tokens_map))

    def describe(self) -> dict:
        """What `GET /v1/models` says of it."""
        end = None if self.end_id is None else self.tokenizer.convert_ids_to_tokens(self.end_id)
        return {
            "source": "tokenizer" if self.own else "plain",
            "system_role": "folded" if self.folds_system else "kept",
            "turns": "alternating" if self.joins_turns else "free",
            "end_token": end if self.own else self.tokenizer.eos_token,
            "arguments": self.arguments,
        }

    @property
    def stops(self) -> tuple[str, ...]:
        """Strings that end an answer beside the end tokens."""
        return () if self.own else PLAIN_STOPS

    def apply(
        self,
        messages: Messages,
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        arguments: dict | None = None,
    ) -> str:
        if self.parts:
            messages = [
                {**m, "content": [{"type": "text", "text": m["content"]}]} for m in messages
            ]
        return self.tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=continue_final_message,
            **(arguments or {}),
        )

    def render(
        self,
        messages: Messages,
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        arguments: dict | None = None,
    ) -> str:
        """The text that the model reads. `arguments`: the request's `chat_template_kwargs`. Raises
        a 400 with the template's own message when it refuses the messages."""
        if not self.own:
            return plain(messages, add_generation_prompt, continue_final_message)
        taken = self.reserved & set(arguments or ())
        if taken:
            raise bad_request(
                f"'{sorted(taken)[0]}' cannot be set by 'chat_template_kwargs'.",
                "chat_template_kwargs",
            )
        try:
            messages = self.prepare(messages)
            return self.apply(messages, add_generation_prompt, continue_final_message, arguments)
        except Exception as error:
            raise bad_request(
                f"The model's chat template refuses these messages: {one_line(error)}", "messages"
            ) from None

    def prepare(self, messages: Messages) -> Messages:
        """The same messages as the template takes them."""
        if self.folds_system:
            messages = fold_system(messages)
        return join_turns(messages) if self.joins_turns else messages

    def ids(
        self,
        messages: Messages,
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        arguments: dict | None = None,
        limit: int | None = None,
    ) -> list[int]:
        """Token ids of the rendered messages. Raises a 400 as `render` does, and when they come to
        nothing that the model could read, or to many more than `limit` tokens."""
        return self.read(
            self.render(messages, add_generation_prompt, continue_final_message, arguments), limit
        )

    def read(self, text: str, limit: int | None = None) -> list[int]:
        """Token ids of a rendered prompt. A chat template writes its own special tokens (BOS
        too); for the plain form the tokenizer adds them."""
        tokenizer = self.tokenizer
        if limit is None:
            ids = encode(tokenizer, text, special=not self.own)
        else:
            ids = encode_within(tokenizer, text, not self.own, limit)
        if ids is None:
            raise bad_request(
                f"This model's context is {limit} tokens; the messages take more "
                f"({len(text):,} characters). Shorten the messages.",
                "messages",
                "context_length_exceeded",
            )
        if not self.own and len(ids) > 1 and ids[-1] == tokenizer.eos_token_id:
            ids = ids[:-1]  # some tokenizers close what they encode; the answer is still to come
        if self.beyond and (unread := self.beyond.keys() & set(ids)):
            token = self.beyond[min(unread)]
            raise bad_request(
                f"The messages hold the token {token!r}, for which this model has no embedding.",
                "messages",
            )
        if not ids:
            raise bad_request("The messages render to an empty prompt.", "messages")
        if tokenizer.unk_token_id is None and tokenizer.is_fast and not decode(tokenizer, ids):
            raise bad_request("The tokenizer knows none of the prompt's characters.", "messages")
        return ids


PLAIN_STOPS = tuple(f"\n\n{role}:" for role in ("User", "System", "Assistant"))
"""How the next turn of the plain form begins: base models write it themselves after an answer."""


def plain(messages: Messages, add_generation_prompt: bool, unfinished: bool) -> str:
    text = "".join(f"{m['role'].capitalize()}:\n{m['content']}\n\n" for m in messages)
    if unfinished:
        return text[:-2]
    return text + "Assistant:\n" if add_generation_prompt else text


def fold_system(messages: Messages) -> Messages:
    """System texts as the beginning of the next user message."""
    folded: Messages = []
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "system":
            waiting.append(message["content"])
        elif message["role"] == "user":
            content = "\n\n".join([*waiting, message["content"]])
            folded.append({**message, "content": content})
            waiting = []
        else:
            folded.append(message)
    return folded + ([turn("user", "\n\n".join(waiting))] if waiting else [])


def join_turns(messages: Messages) -> Messages:
    """Neighbours of one role as one message, with a blank line between them."""
    joined: Messages = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"] != "system":
            before = joined[-1]
            joined[-1] = {**before, "content": f"{before['content']}\n\n{message['content']}"}
        else:
            joined.append(message)
    return joined


def with_reasoning(reasoning: str | None, content: str) -> str:
    """What a model wrote, whose reasoning an endpoint took apart."""
    return f"{THINK}\n{reasoning}\n{THOUGHT}\n\n{content}" if reasoning else content


def continuation(prompt: str, written: str) -> str:
    """`written` as it stands behind the rendered prompt: one that opens a think block itself does
    not have the tag repeated."""
    bare = prompt.rstrip()
    if not bare.endswith(THINK) or not written.startswith(THINK):
        return written
    return written.removeprefix(THINK).removeprefix(prompt[len(bare) :])
