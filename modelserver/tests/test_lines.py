"""What is wrong with a line of a training file has the line's number, whatever it is."""

from __future__ import annotations

import copy
import json
import random

import pytest
from ratchet_modelserver import command
from ratchet_modelserver.dataset import BadData, check_file, read_examples
from ratchet_modelserver.template import Template

STRICT = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}"
    "{% endif %}{{ m.role[0] }}{{ m.content }}\n{% endfor %}"
)


@pytest.fixture
def tokenizer(reference):
    made = copy.deepcopy(reference[1])
    made.chat_template = STRICT
    return made


def messages(*turns: str) -> dict:
    """`user:text` … as a line."""
    pairs = [turn.split(":") for turn in turns]
    return {"messages": [{"role": role, "content": content} for role, content in pairs]}


GOOD = messages("user:1+2", "assistant:3")


def write(path, *lines) -> None:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(texts))


def test_a_system_role_is_folded_for_training_as_for_generation(tokenizer, tmp_path):
    path = tmp_path / "train.jsonl"
    write(path, GOOD, messages("system:brief", "user:1+2", "user:3", "assistant:3"))
    template = Template(tokenizer)
    assert template.folds_system and template.joins_turns
    check_file(path, template)
    assert len(read_examples(path, tokenizer, [tokenizer.eos_token_id], 128)) == 2
    # A command of the operator's has no such template: its file has the messages as they are taken.
    rows = [json.loads(line) for line in command.prepared(path, template).read_text().splitlines()]
    assert rows[1] == messages("user:brief\n\n1+2\n\n3", "assistant:3")
    for row in rows:
        tokenizer.apply_chat_template(row["messages"], tokenize=False)


def test_a_file_that_needs_nothing_is_given_as_it_is(reference, tmp_path):
    path = tmp_path / "train.jsonl"
    write(path, GOOD)
    assert command.prepared(path, Template(reference[1])) == path


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (messages("assistant:3", "user:1", "assistant:2"), "roles must alternate"),
        ({**GOOD, "chat_template_kwargs": {"tokenize": True}}, "cannot be set"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 5000, "not valid JSON"),
        (b"null", "the line"),
        ({"messages": "x" * 100_000}, "messages"),
        ({"x" * 100_000: 1, **GOOD}, "x"),
    ],
)
def test_a_bad_line_is_named_before_the_job_is_queued(line, reason, tokenizer, tmp_path):
    path = tmp_path / "train.jsonl"
    write(path, GOOD, b"", line, GOOD)
    with pytest.raises(BadData, match=f"^line 3.*{reason}") as caught:
        check_file(path, Template(tokenizer))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_never_do_more(seed, tokenizer, tmp_path):
    rng = random.Random(seed)
    path, template = tmp_path / "train.jsonl", Template(tokenizer)
    whole = "\n".join([json.dumps(GOOD)] * 3).encode()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data[: rng.randrange(len(data))] if rng.random() < 0.3 else data)
        for read in (
            lambda: check_file(path, template),
            lambda: read_examples(path, tokenizer, [tokenizer.eos_token_id], 128),
        ):
            try:
                read()
            except BadData as error:
                assert str(error).startswith("line ") or "no examples" in str(error)
