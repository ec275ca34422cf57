"""`response_format`: whatever a model would like to write, its answer follows the schema."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
from conftest import Server

VERDICT = {
    "type": "object",
    "properties": {
        "first_error": {"type": "string", "maxLength": 12},
        "verdict": {"type": "string", "enum": ["holds", "fails"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["first_error", "verdict", "confidence"],
    "additionalProperties": False,
}


def wrapped(schema, **more) -> dict:
    return {"type": "json_schema", "json_schema": {"name": "critique", "schema": schema, **more}}


@pytest.fixture(scope="module")
def ascii_server(ascii_folder, tmp_path_factory):
    running = Server(ascii_folder, tmp_path_factory.mktemp("data"))
    yield running
    running.stop()


def check(text: str) -> None:
    value = json.loads(text)
    assert list(value) == ["first_error", "verdict", "confidence"]
    assert value["verdict"] in ("holds", "fails") and 0 <= value["confidence"] <= 1


@pytest.mark.parametrize("temperature", [0, 1, 2])
@pytest.mark.parametrize("strict", [True, False, None])
def test_answers_follow_the_schema(ascii_server, temperature, strict):
    answer = ascii_server.chat(
        response_format=wrapped(VERDICT, strict=strict), n=6, seed=3, temperature=temperature
    )
    assert [choice.finish_reason for choice in answer.choices] == ["stop"] * 6
    for choice in answer.choices:
        check(choice.message.content)
    if temperature:
        assert len({choice.message.content for choice in answer.choices}) > 1


def test_json_object_is_an_object(ascii_server):
    options = {"response_format": {"type": "json_object"}, "max_tokens": 900, "n": 8, "seed": 1}
    found = ascii_server.chat(**options).choices
    ended = [c.message.content for c in found if c.finish_reason == "stop"]
    assert ended and all(isinstance(json.loads(text), dict) for text in ended)
    assert all(c.message.content.startswith("{") for c in found)


def test_text_is_free(ascii_server):
    options = {"seed": 4, "max_tokens": 30}
    free = ascii_server.text(**options)
    assert ascii_server.text(response_format={"type": "text"}, **options) == free


def test_free_rows_do_not_notice_their_neighbours(ascii_server):
    alone = [ascii_server.text(seed=i, max_tokens=40) for i in range(6)]

    def one(i: int) -> str:
        held = {"response_format": wrapped(VERDICT)} if i % 2 else {"max_tokens": 40}
        return ascii_server.text(seed=i // 2, **held)

    with ThreadPoolExecutor(12) as pool:
        mixed = list(pool.map(one, range(12)))
    assert mixed[::2] == alone
    for text in mixed[1::2]:
        check(text)


def test_cut_off_inside_the_json_is_length(ascii_server):
    choice = ascii_server.chat(response_format=wrapped(VERDICT), max_tokens=9, seed=1).choices[0]
    assert choice.finish_reason == "length"
    assert choice.message.content.startswith("{") and len(choice.message.content) == 9


def test_streams_and_stops_like_free_text(ascii_server):
    options = {"response_format": wrapped(VERDICT), "seed": 2}
    whole = ascii_server.text(**options)
    pieces = [
        chunk.choices[0].delta.content or ""
        for chunk in ascii_server.chat(stream=True, **options)
        if chunk.choices
    ]
    assert "".join(pieces) == whole
    assert ascii_server.text(stop='"verdict"', **options) == whole.split('"verdict"')[0]


def test_logprobs_are_the_model_s_own(ascii_server):
    choice = ascii_server.chat(
        response_format=wrapped(VERDICT), logprobs=True, top_logprobs=3, seed=1
    ).choices[0]
    content = choice.logprobs.content
    assert "".join(entry.token for entry in content) == choice.message.content
    assert all(entry.logprob > -100 for entry in content)
    # Forced characters of a model that knows no JSON were not its likeliest.
    assert any(entry.token not in {t.token for t in entry.top_logprobs} for entry in content)


RECURSIVE = {
    "$ref": "#/$defs/tree",
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
            "required": ["kids"],
        }
    },
}


def is_tree(value) -> bool:
    return isinstance(value, dict) and all(map(is_tree, value["kids"]))


@pytest.mark.parametrize(
    "schema, holds",
    [
        ({"type": "integer", "minimum": 5, "maximum": 17}, lambda v: 5 <= v <= 17),
        ({"enum": ["one", 2, None]}, lambda v: v in ("one", 2, None)),
        ({"oneOf": [{"type": "boolean"}, {"type": "null"}]}, lambda v: v in (True, False, None)),
        (
            {"type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": 3},
            lambda v: len(v) <= 3 and all(type(x) is int and x >= 0 for x in v),
        ),
        (
            {"type": "string", "pattern": "^[a-c]{2,4}$"},
            lambda v: 2 <= len(v) <= 4 and set(v) <= set("abc"),
        ),
        (RECURSIVE, is_tree),
    ],
)
def test_many_kinds_of_schema(ascii_server, schema, holds):
    answer = ascii_server.chat(response_format=wrapped(schema), n=4, seed=5, max_tokens=600)
    ended = [c.message.content for c in answer.choices if c.finish_reason == "stop"]
    assert ended and all(holds(json.loads(text)) for text in ended)


def nested(levels: int) -> dict:
    schema: dict = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    "format, reason",
    [
        ({"type": "xml"}, "'xml' is none of"),
        ({}, "None is none of"),
        ({"type": "json_object", "json_schema": {}}, "no field 'json_schema'"),
        ({"type": "json_schema"}, "must be an object"),
        ({"type": "json_schema", "json_schema": {"name": "a"}}, "must be a JSON schema"),
        (wrapped({}, mode="x"), "no field 'mode'"),
        (wrapped({}, strict="yes"), "true or false"),
        (wrapped({"not": {"type": "string"}}), '"not"'),
        (wrapped({"type": "array", "uniqueItems": True}), "uniqueItems"),
        (wrapped({"type": "string", "format": "zap"}), "Unknown format: zap"),
        (wrapped({"type": "string", "pattern": "(?=a)b"}), "look-around"),
        (wrapped({"type": "string", "pattern": "("}), "unclosed group"),
        (wrapped({"$ref": "http://127.0.0.1:9/x"}), "does not fetch"),
        (wrapped({"$ref": "#"}), "cannot be honoured"),
        (wrapped(False), "must be a JSON schema"),
        (wrapped({"enum": []}), "anyOf is empty"),
        (wrapped({"allOf": 3, "type": {}, "properties": [], "$ref": 5}), "cannot be honoured"),
        (wrapped({"type": "string", "minLength": "x"}), "cannot be honoured"),
        (wrapped({"type": "object", "x-guidance": {"zip": 7}}), "cannot be honoured"),
        (wrapped(nested(200)), "nested deeper"),
        (wrapped({"enum": ["x" * 1000 + str(i) for i in range(200)]}), "bytes"),
        (wrapped({"const": "é"}), "cannot write é"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(ascii_server, format, reason):
    with pytest.raises(openai.BadRequestError) as error:
        ascii_server.chat(extra_body={"response_format": format})
    assert error.value.param == "response_format"
    assert reason in str(error.value)


def test_a_vocabulary_without_braces_is_refused_before_anything_is_written(server):
    for held in ({"type": "json_object"}, wrapped(VERDICT)):
        with pytest.raises(openai.BadRequestError, match=r"cannot write.* \{ \}") as error:
            server.chat(response_format=held)
        assert error.value.param == "response_format"
    assert server.text(response_format=wrapped({"type": "integer"}), max_tokens=5).isdigit()


def test_a_dead_end_is_an_error_not_half_an_answer(ascii_server):
    # What a pattern needs is only known on the way; the vocabulary has no é.
    dead = {"response_format": wrapped({"type": "string", "pattern": "^aé$"}), "max_tokens": 9}
    with pytest.raises(openai.BadRequestError, match="could not go on") as error:
        ascii_server.chat(n=3, **dead)
    assert error.value.param == "response_format"
    with pytest.raises(openai.APIError, match="could not go on"):
        list(ascii_server.chat(stream=True, **dead))
    check(ascii_server.text(response_format=wrapped(VERDICT), seed=1))


HOSTILE = [
    {"type": "string", "pattern": "(.*a.{500}){9}"},
    {"type": "string", "pattern": "(a{1,1000}){1,1000}"},
    {"type": "string", "pattern": "((a*)*)*$"},
    {"type": "array", "minItems": 100_000, "items": {"type": "string", "minLength": 100_000}},
    {
        "allOf": [
            {"anyOf": [{"type": "string", "pattern": f".*{j}{k}.*"} for k in range(8)]}
            for j in range(8)
        ]
    },
    {"properties": {f"p{i}": {"type": "string", "pattern": "(x|y*z){3,900}"} for i in range(900)}},
    {
        "type": "object",
        "properties": {f"k{i}": RECURSIVE["$defs"]["tree"] for i in range(500)},
        "$defs": RECURSIVE["$defs"],
    },
]


@pytest.mark.parametrize("schema", HOSTILE)
def test_hostile_schemas_end_soon_and_freeze_nobody(ascii_server, schema):
    def ask() -> float:
        start = time.monotonic()
        try:
            ascii_server.chat(response_format=wrapped(schema), max_tokens=60, seed=1)
        except openai.BadRequestError as error:
            assert error.param == "response_format"
        return time.monotonic() - start

    slowest = 0.0
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        while not asked.done():
            start = time.monotonic()
            assert httpx.get(f"{ascii_server.url}/health").status_code == 200
            slowest = max(slowest, time.monotonic() - start)
    assert asked.result() < 20
    assert slowest < 2
