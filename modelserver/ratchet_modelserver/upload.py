"""Uploads a folder to the Hugging Face hub.

    python -m ratchet_modelserver.upload FOLDER ORG/NAME [--public]

The token comes from HF_TOKEN alone: a login of the machine's owner is not used unasked. Prints one
JSON object: `{"url": …}`, or `{"error": …}` with exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import sys


def upload(folder: str, repository: str, public: bool, token: str) -> str:
    """The address of the new commit. All files come in one commit, or none."""
    from huggingface_hub import HfApi

    api = HfApi(token=token)
    api.create_repo(repository, private=not public, exist_ok=True, repo_type="model")
    if not public and not api.repo_info(repository).private:
        raise PermissionError(
            f"{repository} exists and is public: give --public to upload there, or another name."
        )
    return api.upload_folder(
        repo_id=repository, folder_path=folder, commit_message="Adapter, card and provenance"
    ).commit_url


def explain(error: Exception, repository: str) -> str:
    """What went wrong, and what to do."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set: unset it to upload."
    if isinstance(error, HfHubHTTPError) and error.response is not None:
        status = error.response.status_code
        if status in (401, 403):
            return (
                f"{endpoint} refuses HF_TOKEN for {repository} ({status}): "
                "give a token that may write to it."
            )
        return f"{endpoint} answers {status}: {error}"
    # By name: the client library under huggingface_hub changes with its versions.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"TransportError", "ConnectionError", "TimeoutError"}:
        return f"{endpoint} can't be reached ({error}): --hub needs a network."
    return str(error)


def main() -> int:
    parser = argparse.ArgumentParser(prog="ratchet_modelserver.upload")
    parser.add_argument("folder")
    parser.add_argument("repository")
    parser.add_argument("--public", action="store_true")
    given = parser.parse_args()
    token = os.environ.get("HF_TOKEN")
    if not token:
        print(json.dumps({"error": "HF_TOKEN is not set."}))
        return 1
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    try:
        print(json.dumps({"url": upload(given.folder, given.repository, given.public, token)}))
    except Exception as error:
        print(json.dumps({"error": explain(error, given.repository).replace(token, "***")}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
