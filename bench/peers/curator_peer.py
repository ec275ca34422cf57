"""The work in Bespoke Curator: two blocks over rows, through its OpenAI backend.

There is room for as many requests as there may be in flight."""

import importlib.util
import os

# Curator counts tokens by tiktoken, which would download what LiteLLM has on the disk.
(litellm,) = importlib.util.find_spec("litellm").submodule_search_locations
os.environ["TIKTOKEN_CACHE_DIR"] = os.path.join(litellm, "litellm_core_utils", "tokenizers")

from bespokelabs import curator  # noqa: E402
from work import FORM, answer_of, holds, read_work, tell, winner  # noqa: E402

work = read_work()
OPTIONS = {
    "model_name": work["model"],
    "backend": "openai",
    "generation_params": {"temperature": 0.8, "max_tokens": 128},
    "backend_params": {
        "base_url": work["url"],
        "api_key": "none",
        "max_concurrent_requests": work["inFlight"],
        "max_requests_per_minute": 1_000_000,
        "max_tokens_per_minute": 1_000_000_000,
    },
}


class Sampler(curator.LLM):
    def prompt(self, row: dict) -> str:
        return f"{row['question']} {FORM}"

    def parse(self, row: dict, response: str) -> dict:
        return {"question": row["question"], "text": response}


class Checker(curator.LLM):
    def prompt(self, row: dict) -> str:
        return f"Check this work on \"{row['question']}\":\n{row['text']}"

    def parse(self, row: dict, response: str) -> dict:
        return {"holds": holds(response)}


def rows_of(answer) -> list[dict]:
    """A data set, or the answer of newer versions that has one."""
    return list(getattr(answer, "dataset", answer))


drawn = rows_of(
    Sampler(**OPTIONS)([{"question": prompt, "draw": i} for prompt in work["prompts"] for i in range(work["samples"])])
)
texts: dict[str, list[str]] = {}
for row in drawn:
    texts.setdefault(row["question"], []).append(row["text"])
chosen = [{"question": question, "text": winner(of, [*map(answer_of, of)])} for question, of in texts.items()]
judged = rows_of(Checker(**OPTIONS)(chosen))
tell(work, sum(answer_of(row["text"]) is not None for row in drawn), sum(row["holds"] for row in judged))
