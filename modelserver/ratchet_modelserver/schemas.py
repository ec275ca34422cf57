"""Request bodies, as pydantic models. Fields that cannot be honoured are refused by name, never
ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from .errors import bad_request

MOST_MESSAGES = 4096
"""Messages of one conversation, and parts of one message."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class TextPart(Strict):
    type: Literal["text"]
    text: str


class Message(Strict):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(max_length=MOST_MESSAGES)] | None = None
    """None for an assistant's message that is all reasoning."""
    reasoning_content: str | None = None
    """An assistant's reasoning, where it came apart from its answer."""
    reasoning: str | None = None
    """The same, by its other name."""
    name: str | None = None
    weight: Literal[0, 1] | None = None
    """Fine-tuning files only: 0 keeps an assistant message out of the loss."""
    refusal: None = None

    def plain(self) -> dict[str, str]:
        """{role, content} as chat templates take it; few templates know `developer`."""
        content = self.content or ""
        if not isinstance(content, str):
            content = "".join(part.text for part in content)
        role = "system" if self.role == "developer" else self.role
        reasoning = self.reasoning_content or self.reasoning
        more = {"reasoning_content": reasoning} if reasoning else {}
        return {"role": role, "content": content, **more}

    @model_validator(mode="after")
    def fits_its_role(self) -> Message:
        if self.role != "assistant":
            if self.content is None:
                raise ValueError(f"a {self.role} message needs content")
            if self.reasoning_content or self.reasoning:
                raise ValueError("only assistant messages have reasoning")
        return self


class StreamOptions(Strict):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatRequest(Strict):
    """POST /v1/chat/completions. `top_k`, `prompt_logprobs`, `add_generation_prompt`,
    `continue_final_message` and `chat_template_kwargs` are vLLM's extensions."""

    model: str | None = None
    """None: the server's first model."""
    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    n: Annotated[int, Field(ge=1, le=256)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=-1)] | None = None
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=0)] | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    prompt_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    add_generation_prompt: bool = True
    continue_final_message: bool = False
    chat_template_kwargs: dict[str, Any] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: dict[str, Any] | None = None
    """See `formats`."""
    # Accepted because clients send them; only the values that change nothing are possible.
    frequency_penalty: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None

    @field_validator("frequency_penalty", "presence_penalty", mode="before")
    @classmethod
    def integral_zero(cls, value: Any) -> Any:
        """Clients send 0.0, which the literal 0 would refuse."""
        return 0 if isinstance(value, float) and value == 0 else value


Auto = Literal["auto"]
Name = Annotated[str, Field(max_length=256)]


class Hyperparameters(Strict):
    """OpenAI's three, and ours. `hyper.resolve` says what each default becomes."""

    batch_size: Auto | Annotated[int, Field(ge=1, le=4096)] = "auto"
    n_epochs: Auto | Annotated[int, Field(ge=1, le=1000)] = "auto"
    learning_rate_multiplier: Auto | Annotated[float, Field(gt=0)] = "auto"
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    lora_rank: Annotated[int, Field(ge=1, le=1024)] | None = None
    lora_alpha: Annotated[float, Field(gt=0)] | None = None
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    lora_target_modules: Name | Annotated[list[Name], Field(min_length=1, max_length=256)] | None = (
        None
    )
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    warmup_steps: Annotated[int, Field(ge=0)] | None = None
    checkpoint_every_steps: Annotated[int, Field(ge=1)] | None = None
    adam_beta2: Annotated[float, Field(gt=0, lt=1)] = 0.98


class Supervised(Strict):
    hyperparameters: Hyperparameters = Hyperparameters()


class Method(Strict):
    type: Literal["supervised"]
    supervised: Supervised = Supervised()


class JobRequest(Strict):
    """POST /v1/fine_tuning/jobs. `model` is a base or a fine-tuned model, whose training
    continues."""

    model: str
    training_file: str
    validation_file: str | None = None
    suffix: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._-]*$")] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    metadata: (
        Annotated[
            dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
            Field(max_length=16),
        ]
        | None
    ) = None
    method: Method | None = None
    hyperparameters: Hyperparameters | None = None
    integrations: Annotated[list[Any], Field(max_length=0)] | None = None


def parse(model: type[BaseModel], body: bytes) -> Any:
    """The body as `model`. Raises a 400 that names the first bad field and what is wrong with
    it."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"The body is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise bad_request("The body must be a JSON object.")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise field_error(error) from None


def field_error(error: ValidationError) -> Exception:
    found = error.errors(include_url=False, include_input=False)
    # A list that is too long is the reason, not that it is no text either.
    first = next((one for one in found if one["type"] == "too_long"), found[0])
    # A union reports every branch; the path up to the branch's name is the field that the caller
    # wrote.
    location = [str(part) for part in first["loc"] if "[" not in str(part) and part != "str"]
    param = ".".join(location)
    if first["type"] == "extra_forbidden":
        return bad_request(
            f"Unrecognized request argument supplied: {param}", param, "unknown_parameter"
        )
    code = "missing_required_parameter" if first["type"] == "missing" else "invalid_value"
    return bad_request(f"Invalid '{param}': {first['msg']}.", param or None, code)
