"""Schemas hold for every kind of tokenizer: random allowed tokens come to JSON that follows one."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from ratchet_modelserver.errors import ApiError
from ratchet_modelserver.guides import Vocabulary
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"enum": ["Köln", "Paris"]},
        "note": {"type": "string", "maxLength": 6},
        "count": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["city", "note", "count"],
    "additionalProperties": False,
}
PRINTABLE = "".join(map(chr, range(32, 127)))
WORDS = ["Paris", '{"', '":', "city", "note", "count", "holds", ', "']


def fast(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


def numbered(names: list[str]) -> dict[str, int]:
    return {name: i for i, name in enumerate(dict.fromkeys(names))}


def byte_level() -> PreTrainedTokenizerFast:
    names = ["<pad>", "</s>", "<unk>", *pre_tokenizers.ByteLevel.alphabet(), *WORDS]
    tokenizer = Tokenizer(models.BPE(vocab=numbered(names), merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return fast(tokenizer)


def sentence_piece() -> PreTrainedTokenizerFast:
    """As Llama 2's and Mistral's: words begin with ▁, and every byte is a token of last resort."""
    single = [f"<0x{byte:02X}>" for byte in range(256)]
    words = [f"▁{word}" for word in WORDS]
    names = ["<pad>", "</s>", "<unk>", *single, "▁", *PRINTABLE.strip(), *WORDS, *words]
    tokenizer = Tokenizer(models.BPE(vocab=numbered(names), merges=[], byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return fast(tokenizer)


def characters(more: str = "ö") -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(
        models.BPE(vocab=numbered(["<pad>", "</s>", "<unk>", *PRINTABLE, *more]), merges=[])
    )
    tokenizer.decoder = decoders.Fuse()
    return fast(tokenizer)


def word_piece() -> PreTrainedTokenizerFast:
    """As BERT's: whether a space goes before a token depends on its neighbour."""
    names = ["<pad>", "</s>", "<unk>", *PRINTABLE, "##a", "##b", *WORDS]
    tokenizer = Tokenizer(models.WordPiece(vocab=numbered(names), unk_token="<unk>"))
    tokenizer.decoder = decoders.WordPiece()
    return fast(tokenizer)


@pytest.mark.parametrize("make", [byte_level, sentence_piece, characters])
def test_random_allowed_tokens_follow_the_schema(make):
    tokenizer = make()
    vocabulary = Vocabulary(tokenizer, [tokenizer.eos_token_id], len(tokenizer) + 7)
    assert vocabulary.reason == ""
    start = vocabulary.compile(SCHEMA)
    drawn = random.Random(1)
    for _ in range(40):
        matcher, tokens = start.deep_copy(), []
        while tokenizer.eos_token_id not in tokens:
            bits = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
            allowed = np.flatnonzero(np.unpackbits(bits, bitorder="little"))
            assert allowed.max() < len(tokenizer), "padding of the logits is never chosen"
            tokens.append(int(drawn.choice(allowed)))
            assert matcher.consume_token(tokens[-1])
        text = tokenizer.backend_tokenizer.decode(tokens, skip_special_tokens=True)
        value = json.loads(text)
        assert value["city"] in ("Köln", "Paris") and 0 <= value["count"] <= 99
        assert len(value["note"]) <= 6


def test_what_a_vocabulary_lacks_is_named():
    vocabulary = Vocabulary(characters(""), [1], 98)
    with pytest.raises(ApiError, match="cannot write ö"):
        vocabulary.compile({"const": "Köln"})
    assert vocabulary.compile(SCHEMA)  # it can write Paris


def test_a_tokenizer_whose_tokens_have_no_text_of_their_own_is_refused():
    vocabulary = Vocabulary(word_piece(), [1], 120)
    with pytest.raises(ApiError, match="'response_format' is not possible with this model"):
        vocabulary.compile({"type": "object"})


def test_a_model_without_an_end_token_is_refused():
    with pytest.raises(ApiError, match="no end token"):
        Vocabulary(characters(), [], 99).compile({"type": "object"})


def test_a_schema_is_compiled_once():
    vocabulary = Vocabulary(characters(), [1], 99)
    assert vocabulary.compile(SCHEMA) is vocabulary.compile(json.loads(json.dumps(SCHEMA)))
    for number in range(40):
        vocabulary.compile({"type": "integer", "minimum": number})
    assert len(vocabulary.compiled) == 32
