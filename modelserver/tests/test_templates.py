"""Chat templates of every kind are tried out at load, and messages put to them as they take
them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import openai
import pytest
import torch
from conftest import Server, make_model
from ratchet_modelserver.errors import ApiError
from ratchet_modelserver.registry import Registry
from ratchet_modelserver.template import Template
from real_templates import CHARACTERS, GEMMA, MODELS, QWEN35
from transformers import AutoTokenizer

PARTS = """\
{%- for message in messages -%}{{ message.role + ':' }}
{%- for part in message.content if part.type == 'text' -%}{{ part.text }}{%- endfor -%}
{%- endfor -%}"""


def user(content: str) -> dict:
    return {"role": "user", "content": content}


SYSTEM = {"role": "system", "content": "be brief"}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = make_model(tmp_path_factory.mktemp("one") / "model", CHARACTERS, **MODELS["gemma"])
    loaded = AutoTokenizer.from_pretrained(folder)

    def with_template(text: str | dict | None):
        loaded.chat_template = text
        return loaded

    return with_template


def test_a_system_text_that_is_refused_begins_the_next_question(tokenizer):
    gemma = Template(tokenizer(GEMMA))
    assert gemma.describe() == {
        "source": "tokenizer",
        "system_role": "folded",
        "turns": "alternating",
        "end_token": "<end_of_turn>",
        "arguments": [],
    }
    answered = [user("a"), {"role": "assistant", "content": "b"}]
    assert gemma.render([SYSTEM, *answered, SYSTEM, user("c")]) == (
        "<bos><start_of_turn>user\nbe brief\n\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n"
        "<start_of_turn>user\nbe brief\n\nc<end_of_turn>\n<start_of_turn>model\n"
    )
    assert "user\nbe brief<end_of_turn>" in gemma.render([SYSTEM])


def test_a_system_text_that_is_dropped_in_silence_is_folded_too(tokenizer):
    silent = GEMMA.replace("{{ raise_exception('System role not supported') }}", "").replace(
        "for message in messages", "for message in messages if message.role != 'system'"
    )
    template = Template(tokenizer(silent))
    assert template.folds_system and "be brief\n\na" in template.render([SYSTEM, user("a")])


def test_an_answer_in_the_plain_form_ends_where_the_next_turn_would_begin(tokenizer):
    plain = Template(tokenizer(None))
    answered = [user("a"), {"role": "assistant", "content": "b"}]
    for following in (user("c"), SYSTEM, {"role": "assistant", "content": "d"}):
        rest = plain.render([*answered, following], False).split("\nb", 1)[1]
        assert any(rest.startswith(stop) for stop in plain.stops)
    assert Template(tokenizer(GEMMA)).stops == ()


def test_neighbours_of_one_role_are_joined_where_roles_must_alternate(tokenizer):
    text = Template(tokenizer(GEMMA)).render([user("a"), user("b"), user("c")])
    assert "user\na\n\nb\n\nc<end_of_turn>" in text
    free = Template(tokenizer(MODELS["chatml"]["template"]))
    assert free.describe()["turns"] == "free"
    assert free.render([user("a"), user("b")]).count("<|im_start|>user") == 2


def test_content_as_parts_where_the_template_asks_for_it(tokenizer):
    assert Template(tokenizer(PARTS)).render([user("a"), user("b")]) == "user:auser:b"


def test_a_refusal_carries_the_template_s_own_words(tokenizer):
    template = Template(tokenizer(QWEN35))
    assert not template.folds_system
    with pytest.raises(ApiError, match="System message must be at the beginning") as error:
        template.render([user("a"), SYSTEM, user("b")])
    assert error.value.status == 400 and error.value.body["error"]["param"] == "messages"


def test_arguments_are_found_and_given_to_the_template(tokenizer):
    template = Template(tokenizer(QWEN35))
    assert template.describe()["arguments"] == ["enable_thinking"]
    off = template.render([user("a")], arguments={"enable_thinking": False, "colour": "red"})
    assert off.endswith("<think>\n\n</think>\n\n")
    assert template.render([user("a")]).endswith("<think>\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{% if %}", "Expected an expression"),
        ("{{ raise_exception('only tools here') }}", "only tools here"),
        ("{{ messages[0].words }}", "leaves out what the user said"),
        ({"rag": "{{ messages }}"}, "default"),
    ],
)
def test_a_template_that_cannot_ask_is_named_at_load_with_the_mend(
    tokenizer, tmp_path, text, reason
):
    folder = make_model(tmp_path / "model", CHARACTERS, template=text)
    registry = Registry(torch.device("cpu"), torch.float32, 1 << 30, 1)
    with pytest.raises(ValueError, match="chat template") as error:
        registry.add_base("broken", folder)
    message = str(error.value)
    assert reason in message and "--model broken" in message and "mend" in message
    assert "\n" not in message


@pytest.fixture(scope="module")
def thinking(tmp_path_factory):
    folder = make_model(tmp_path_factory.mktemp("m") / "m", CHARACTERS, 1024, **MODELS["qwen35"])
    running = Server(folder, tmp_path_factory.mktemp("data"))
    yield running
    running.stop()


def test_requests_carry_arguments_and_reasoning(thinking):
    def tokens(*messages, **more) -> int:
        return thinking.client.chat.completions.create(
            model="tiny", messages=list(messages), max_tokens=1, extra_body=more
        ).usage.prompt_tokens

    plain = tokens(user("a"))
    off = tokens(user("a"), chat_template_kwargs={"enable_thinking": False, "other": 1})
    assert off == plain + len("\n\n\n") + 1
    again = [user("a"), {"role": "assistant", "content": None, "reasoning": "abc"}]
    assert tokens(*again) > tokens(user("a"), {"role": "assistant", "content": ""})
    shown = thinking.client.models.retrieve("tiny").model_extra["chat_template"]
    assert shown["arguments"] == ["enable_thinking"] and shown["end_token"] == "<|im_end|>"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"chat_template_kwargs": {"tokenize": True}}, "chat_template_kwargs"),
        ({"chat_template_kwargs": {"chat_template": "x"}}, "chat_template_kwargs"),
        ({"chat_template_kwargs": [1]}, "chat_template_kwargs"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"messages": [{"role": "user"}]}, "messages.0"),
        ({"messages": [{**user("a"), "reasoning": "b"}]}, "messages.0"),
    ],
)
def test_bad_arguments_and_messages_are_refused_by_name(thinking, body, param):
    with pytest.raises(openai.BadRequestError) as error:
        thinking.chat(extra_body=body)
    assert error.value.param == param


def test_a_schema_holds_behind_the_thinking(thinking):
    integer = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "integer"}}}
    options = dict(response_format=integer, n=200, seed=1, max_tokens=300, temperature=2)
    closed = 0
    for choice in thinking.chat(**options).choices:
        before, tag, answer = choice.message.content.partition("</think>")
        closed += bool(tag)
        assert not tag or answer == "" or answer.lstrip("-").isdigit()
    assert closed > 0
    off = {"chat_template_kwargs": {"enable_thinking": False}}
    assert int(thinking.text(response_format=integer, max_tokens=40, seed=2, extra_body=off)) < 1e40


def published() -> list[Path]:
    found = importlib.util.find_spec("trl")
    root = Path(found.submodule_search_locations[0]) if found else Path("/nowhere")
    return sorted(p for p in root.glob("chat_templates/*.jinja") if "training" not in p.name)


@pytest.mark.parametrize("path", published(), ids=lambda path: path.stem)
def test_published_templates_take_every_kind_of_chat(tokenizer, path):
    """TRL comes with the templates of some forty models."""
    template = Template(tokenizer(path.read_text()))
    chats = [
        [user("question")],
        [SYSTEM, user("question")],
        [user("example"), {"role": "assistant", "content": "reply"}, user("question")],
        [user("example"), user("question")],
    ]
    for chat in chats:
        text = template.render(chat)
        assert all(message["content"] in text for message in chat)
