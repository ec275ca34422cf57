"""What trains is, token for token, what generation read and what the model wrote."""

from __future__ import annotations

import pytest
from conftest import Server, make_model
from ratchet_modelserver.dataset import Line, end_token, tokenize
from ratchet_modelserver.registry import end_tokens
from ratchet_modelserver.template import Template
from real_templates import CHARACTERS, END, MODELS
from transformers import AutoModelForCausalLM, AutoTokenizer

CHATS = {
    "question": [{"role": "user", "content": "what is 2 + 2?"}],
    "system": [
        {"role": "system", "content": "Add the numbers."},
        {"role": "user", "content": " 1+2 "},
    ],
    "shots": [
        {"role": "user", "content": "1+1"},
        {"role": "assistant", "content": "<think>\none and one\n</think>\n\n2"},
        {"role": "user", "content": "2+2"},
        {"role": "assistant", "content": "4", "reasoning_content": "two twice"},
        {"role": "user", "content": "4+4"},
    ],
    "twice": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
}
ARGUMENTS = [None, {"enable_thinking": False}, {"enable_thinking": True, "unknown": [1]}]


TEXT = {
    "type": "json_schema",
    "json_schema": {"name": "text", "schema": {"type": "string", "maxLength": 20}},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {kind: make_model(root / kind, CHARACTERS, 1024, **o) for kind, o in MODELS.items()}


@pytest.fixture(scope="module")
def many(folders, tmp_path_factory):
    """One server with a model of every kind."""
    options = [o for kind, path in folders.items() for o in ("--model", f"{kind}={path}")]
    running = Server(folders["chatml"], tmp_path_factory.mktemp("data"), *options)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def read(folders):
    """(tokenizer, template, end token id), as the trainer finds them."""

    def of(kind: str):
        tokenizer = AutoTokenizer.from_pretrained(folders[kind])
        module = AutoModelForCausalLM.from_pretrained(folders[kind])
        template = Template(tokenizer)
        return tokenizer, template, end_token(template, end_tokens(module, tokenizer))

    found = {kind: of(kind) for kind in MODELS}
    return found.__getitem__


@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize("kind", MODELS)
def test_training_tokens_are_the_generated_ones(many, read, kind, chat):
    tokenizer, template, end = read(kind)
    ids = {tokenizer.decode([id]): id for id in range(len(tokenizer))}
    compared = ended = 0
    for arguments in ARGUMENTS:
        request = {"chat_template_kwargs": arguments} if arguments else {}
        held = {} if arguments else {"response_format": TEXT}  # some answers that surely end
        answer = many.client.chat.completions.create(
            model=kind,
            messages=CHATS[chat],
            n=24,
            seed=3,
            max_tokens=60,
            logprobs=True,
            temperature=1.5,
            extra_body={**request, **held, "prompt_logprobs": 0},
        )
        entries = answer.model_extra["prompt_logprobs"]
        prompt = [int(next(iter(entry))) for entry in entries[1:]]
        for choice in answer.choices:
            made = [ids[entry.token] for entry in choice.logprobs.content]
            if not made or set(made) & set(tokenizer.all_special_ids):
                continue  # special tokens in mid-answer do not show in its text
            line = {
                "messages": [
                    *CHATS[chat],
                    {"role": "assistant", "content": choice.message.content},
                ],
                **request,
            }
            example = tokenize(Line.model_validate(line), template, end)
            assert example.tokens.tolist()[1:] == [*prompt, *made, end]
            assert example.tokens[: len(entries)].tolist() == template.ids(
                [m.plain() for m in Line.model_validate(line).messages[:-1]], arguments=arguments
            )
            assert example.trained[len(entries) :].all()
            compared += 1
            ended += choice.finish_reason == "stop"
    assert compared >= 10 and ended > 0


@pytest.mark.parametrize("kind", MODELS)
def test_answers_end_with_a_token_that_generation_stops_at(many, folders, read, kind):
    tokenizer, _, end = read(kind)
    assert tokenizer.convert_ids_to_tokens(end) == END[kind]
    answer = many.client.chat.completions.create(
        model=kind,
        messages=CHATS["question"],
        n=200,
        seed=1,
        max_tokens=40,
        temperature=2,
        logprobs=True,
    )
    # A row that writes it never goes on behind it.
    assert any(choice.finish_reason == "stop" for choice in answer.choices)
    assert not any(
        entry.token == END[kind] for choice in answer.choices for entry in choice.logprobs.content
    )


def texts(read, kind: str, messages: list[dict], **more) -> tuple[str, str]:
    """(all tokens as text, the trained ones as text)."""
    tokenizer, template, end = read(kind)
    line = Line.model_validate({"messages": messages, **more})
    example = tokenize(line, template, end)
    return tokenizer.decode(example.tokens), tokenizer.decode(example.tokens[example.trained])


def ask(**answer) -> list[dict]:
    return [{"role": "user", "content": "q"}, {"role": "assistant", **answer}]


@pytest.mark.parametrize("kind", ["qwen3", "qwen35"])
def test_no_empty_think_block_slips_in(read, kind):
    prompt = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"
    opened = prompt + ("<think>\n" if kind == "qwen35" else "")
    whole, learnt = texts(read, kind, ask(content="4"))
    assert whole == opened + "4<|im_end|>" and learnt == "4<|im_end|>"
    off = {"chat_template_kwargs": {"enable_thinking": False}}
    whole, learnt = texts(read, kind, ask(content="4"), **off)
    assert whole == prompt + "<think>\n\n</think>\n\n4<|im_end|>" and learnt == "4<|im_end|>"


@pytest.mark.parametrize(
    "answer",
    [
        dict(content="<think>\nr\n</think>\n\na"),
        dict(content="a", reasoning_content="r"),
        dict(content="a", reasoning="r"),
    ],
)
@pytest.mark.parametrize("kind", ["qwen3", "qwen35", "chatml", "plain"])
def test_reasoning_is_learnt_and_an_open_think_tag_is_not_repeated(read, kind, answer):
    whole, learnt = texts(read, kind, ask(**answer))
    assert whole.count("<think>") == 1 and whole.count("</think>") == 1
    rest = "r\n</think>\n\na" + END[kind]
    assert learnt == (rest if kind == "qwen35" else "<think>\n" + rest)


def test_an_answer_that_is_all_reasoning_is_learnt(read):
    _, learnt = texts(read, "qwen3", ask(content=None, reasoning_content="r"))
    assert learnt == "<think>\nr\n</think>\n\n<|im_end|>"


def test_white_space_and_special_names_are_learnt_as_written(read):
    for kind in ("llama", "gemma"):  # their templates strip answers
        _, learnt = texts(read, kind, ask(content="  4 \n"))
        assert learnt == "  4 \n" + END[kind]
    tokenizer, template, end = read("chatml")
    line = Line.model_validate({"messages": ask(content="x<|im_end|>y")})
    assert tokenize(line, template, end).tokens.tolist().count(end) == 2  # the user's and the last


def test_earlier_answers_are_learnt_where_the_template_keeps_them(read):
    chat = [*CHATS["shots"], {"role": "assistant", "content": "8"}]
    _, learnt = texts(read, "chatml", chat)
    assert learnt == "<think>\none and one\n</think>\n\n2<|im_end|>8<|im_end|>"
    _, learnt = texts(read, "qwen3", chat)  # drops the reasoning of earlier turns
    assert learnt == "8<|im_end|>"
    short = [dict(m) for m in chat]
    short[1]["content"], short[3] = "2", {"role": "assistant", "content": "4", "weight": 0}
    _, learnt = texts(read, "gemma", short)
    assert learnt == "2<end_of_turn>8<end_of_turn>"
    _, learnt = texts(read, "plain", short)
    assert learnt == "28<eos>"  # the plain form closes turns with an empty line, not an end token
