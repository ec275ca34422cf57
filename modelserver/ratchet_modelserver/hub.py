"""A model from the Hugging Face hub: weights as safetensors, tokenizer and configuration of one
commit, resumable. No code of the model is downloaded or run. HF_TOKEN (or a login of the machine's
user) opens gated models and is neither printed nor stored; HF_ENDPOINT names a mirror."""

from __future__ import annotations

import fnmatch
from pathlib import Path

from .fetching import FetchError, disk_full, first_line, report, require_disk, without_token

WANTED = [
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template*",
    "additional_chat_templates/*",
    "vocab*",
    "merges.txt",
    "*.tiktoken",
    "*.model",
    "LICENSE*",
    "NOTICE*",
    "USE_POLICY*",
    "README.md",
]
# Second copies of the weights in other forms.
UNWANTED = ["consolidated*", "original/*", "*/*.safetensors", "*.py"]


def describe(repo: str, revision: str | None) -> dict:
    """commit, licence (as the hub names it), bytes to download. Raises FetchError."""
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(repo, revision=revision, files_metadata=True, timeout=30)
    except Exception as error:
        raise explained(error, repo, revision) from None
    files = {one.rfilename: one.size or 0 for one in info.siblings or [] if wanted(one.rfilename)}
    if "config.json" not in files:
        raise FetchError(f"{repo} has no config.json: it is no model for Transformers.")
    if not any(name.endswith(".safetensors") for name in files):
        names = [one.rfilename for one in info.siblings or []]
        gguf = next((name for name in names if name.endswith(".gguf")), None)
        mend = (
            f"download {gguf} and give its path"
            if gguf
            else "take a revision or a model that has them (pickles may run code, and are not read)"
        )
        raise FetchError(f"{repo} has no weights as safetensors: {mend}.")
    card = info.card_data
    licence = card.get("license_name") or card.get("license") if card else None
    return {
        "commit": info.sha,
        "licence": licence or "not stated",
        "bytes": sum(files.values()),
    }


def wanted(name: str) -> bool:
    matches = lambda patterns: any(fnmatch.fnmatch(name, pattern) for pattern in patterns)  # noqa: E731
    return matches(WANTED) and not matches(UNWANTED)


def get(repo: str, commit: str, bytes: int, out: Path) -> None:
    """Download what of `commit` is wanted to the folder `out`; what an interrupted call has
    downloaded is used. Raises FetchError."""
    import threading

    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    have = size_of(out)
    require_disk(out.parent, max(0, bytes - have), "The download")
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(1.0):
            report("downloading", min(size_of(out), bytes), bytes)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        snapshot_download(
            repo,
            revision=commit,
            local_dir=out,
            allow_patterns=WANTED,
            ignore_patterns=UNWANTED,
        )
    except Exception as error:
        raise explained(error, repo, commit) from None
    finally:
        stop.set()
        watcher.join()


def size_of(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() else 0
        except OSError:
            pass
    return size


def explained(error: Exception, repo: str, revision: str | None) -> FetchError:
    """What a failure of the hub means for the user."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return FetchError(
            f"{repo} is gated: accept its terms on its page at the hub, make a token there, and run "
            "this again with HF_TOKEN set to it."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return FetchError(f"{repo} has no revision '{revision}': look at its page at the hub.")
    if isinstance(error, errors.RepositoryNotFoundError):
        return FetchError(
            f"The hub has no model {repo}, or it is private: check the spelling, or set HF_TOKEN to a "
            "token that may read it."
        )
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return FetchError(
            f"The hub refuses {repo} ({status}): set HF_TOKEN to a token that may read it."
        )
    if disk_full(error):
        return FetchError(
            "The disk is full: free some space, or set RATCHET_HOME to a folder on a larger disk, "
            "then run this again; what is downloaded is kept."
        )
    if status is not None and status < 500 and status != 429:
        return FetchError(f"The hub refuses {repo} ({without_token(first_line(error))}).")
    return FetchError(
        f"The hub cannot be reached for {repo} ({without_token(first_line(error))}). Check the "
        "network, and HF_ENDPOINT if you use a mirror, then run this again: what is downloaded is "
        "kept. Without a network, bring the model's folder and give its path."
    )
