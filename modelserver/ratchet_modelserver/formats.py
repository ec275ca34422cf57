"""`response_format` of a chat request: read, bounded, and looked at for what this vocabulary cannot
write. Nothing here compiles a grammar; see `guides`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from .errors import ApiError, bad_request

MAX_BYTES = 128 << 10
MAX_DEPTH = 64
"""JSON levels of a schema; an object in an object takes two."""
KINDS = ("text", "json_object", "json_schema")
SCHEMA_FIELDS = {"name", "description", "schema", "strict"}
WRITTEN = {"boolean": "true", "null": "null", "string": '"', "object": "{}", "array": "[]"}
"""Characters that a value of a type cannot be written without."""


def refused(message: str) -> ApiError:
    return bad_request(message, "response_format")


def read_format(value: dict[str, Any] | None) -> dict | None:
    """The JSON schema that the answer has to follow, None for free text. Raises a 400."""
    if value is None:
        return None
    kind = value.get("type")
    if kind not in KINDS:
        raise refused(f"Invalid 'response_format.type': {kind!r} is none of {', '.join(KINDS)}.")
    extra = set(value) - ({"type", "json_schema"} if kind == "json_schema" else {"type"})
    if extra:
        raise refused(f"'response_format' of type {kind} has no field '{sorted(extra)[0]}'.")
    if kind == "text":
        return None
    if kind == "json_object":
        return {"type": "object"}
    return read_schema(value.get("json_schema"))


def read_schema(wrapped: Any) -> dict:
    field = "response_format.json_schema"
    if not isinstance(wrapped, dict):
        raise refused(f"'{field}' must be an object: {{name, schema}}.")
    extra = set(wrapped) - SCHEMA_FIELDS
    if extra:
        raise refused(f"'{field}' has no field '{sorted(extra)[0]}'.")
    if not isinstance(wrapped.get("name", ""), str):
        raise refused(f"'{field}.name' must be a string.")
    if not isinstance(wrapped.get("strict"), bool | None):
        raise refused(f"'{field}.strict' must be true or false.")
    schema = wrapped.get("schema")
    if not isinstance(schema, dict):
        raise refused(f"'{field}.schema' must be a JSON schema (an object).")
    if depth(schema) > MAX_DEPTH:
        raise refused(f"'{field}.schema' is nested deeper than {MAX_DEPTH} levels.")
    size = len(orjson.dumps(schema))
    if size > MAX_BYTES:
        raise refused(f"'{field}.schema' has {size} bytes; at most {MAX_BYTES} are taken.")
    return schema


def depth(value: Any) -> int:
    """Levels of lists and objects, one level at a time: the nesting is a stranger's."""
    levels, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        levels += 1
        if levels > MAX_DEPTH:
            break
        level = [x for item in level for x in (item.values() if isinstance(item, dict) else item)]
    return levels


def unwritable(schema: dict, can_write: Callable[[str], bool]) -> str:
    """Characters that every answer of this schema may need and the vocabulary lacks, '' when it
    can write them all. Patterns are not looked at; optional properties are."""
    memo: dict[int, set[str]] = {}

    def of_text(text: str) -> set[str]:
        return {character for character in text if not can_write(character)}

    def least(found: list[set[str]]) -> set[str]:
        return min(found, key=len, default=set())

    def of_type(kind: Any, schema: dict) -> set[str]:
        if kind in ("number", "integer"):
            return set() if any(map(can_write, "0123456789")) else {"0"}
        lacking = of_text(WRITTEN.get(kind, "")) if isinstance(kind, str) else set()
        properties = schema.get("properties")
        if kind == "object" and isinstance(properties, dict) and properties:
            lacking = lacking | of_text('":' + ("," if len(properties) > 1 else ""))
            for name, value in properties.items():
                lacking = lacking | of_text(json.dumps(name, ensure_ascii=False)) | visit(value)
        if kind == "array" and schema.get("minItems"):
            lacking = lacking | visit(schema.get("items"))
        return lacking

    def visit(schema: Any) -> set[str]:
        if not isinstance(schema, dict):
            return set()
        if id(schema) not in memo:
            memo[id(schema)] = set()  # a schema that refers to itself adds nothing by that
            memo[id(schema)] = of_schema(schema)
        return memo[id(schema)]

    def of_schema(schema: dict) -> set[str]:
        lacking = visit(pointed(root, schema.get("$ref")))
        if "const" in schema:
            return lacking | of_text(json.dumps(schema["const"], ensure_ascii=False))
        if isinstance(schema.get("enum"), list):
            values = [json.dumps(value, ensure_ascii=False) for value in schema["enum"]]
            return lacking | least([of_text(value) for value in values])
        if isinstance(schema.get("allOf"), list):
            lacking = lacking.union(*map(visit, schema["allOf"]))
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list):
                lacking = lacking | least([visit(part) for part in schema[key]])
        kinds = schema.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        return lacking | least([of_type(kind, schema) for kind in kinds])

    root = schema
    return "".join(sorted(visit(schema)))


def pointed(root: dict, reference: Any) -> Any:
    """What a reference inside the document stands for; None for any other."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: Any = root
    for part in reference[1:].split("/")[1:]:
        found = (
            found.get(part.replace("~1", "/").replace("~0", "~"))
            if isinstance(found, dict)
            else None
        )
    return found
