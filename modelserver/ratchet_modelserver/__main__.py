"""`python -m ratchet_modelserver`: read the command line, load the models, serve."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

# Before NumPy is imported: its BLAS threads would be threads at the time of the zygote's fork.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads that spin while they wait for each other stall for milliseconds whenever another process
# has their core. Read by the OpenMP runtime as PyTorch loads it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

from . import built_in, model_folder
from .lifetime import exit_when_stdin_closes
from .log import one_line, say
from .memory import keep_freed_memory, usable_cores


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ratchet_modelserver", description=__doc__)
    add = parser.add_argument
    add(
        "--model",
        action="append",
        metavar="NAME=PATH",
        help="a Hugging Face causal LM folder; the first is the default base (default: the built-in "
        "model, arithmetic, with its critic)",
    )
    add(
        "--adapter",
        action="append",
        default=[],
        metavar="NAME[@BASE]=PATH",
        help="a PEFT LoRA folder to serve",
    )
    add("--data", required=True, type=Path, metavar="DIR", help="files, jobs and trained adapters")
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=8111, help="0 takes a free one")
    add(
        "--threads",
        type=int,
        default=usable_cores(),
        help="CPU threads for generation (default: all usable cores)",
    )
    add(
        "--train-threads",
        type=int,
        default=None,
        help="CPU threads for training (default: --threads)",
    )
    add(
        "--train-command",
        default=os.environ.get("RATCHET_TRAIN_COMMAND") or None,
        metavar="COMMAND",
        help="trains in place of the server: reads the job as JSON, writes events and a PEFT "
        "folder (default: RATCHET_TRAIN_COMMAND)",
    )
    add("--device", choices=["auto", "cpu", "cuda"], default="auto")
    add(
        "--dtype",
        choices=["auto", "float32", "bfloat16", "float16"],
        default="auto",
        help="auto: bfloat16 on a GPU, and on a CPU that is faster in it for models above 32 million "
        "parameters; else float32",
    )
    add("--max-batch", type=int, default=256, help="rows generated at once")
    add("--max-queue", type=int, default=20_000, help="rows that may wait; more get a 429")
    add(
        "--max-wait",
        type=float,
        default=60,
        metavar="SECONDS",
        help="calls that would wait for longer, by what was measured, get a 429 that says when to come "
        "back",
    )
    add(
        "--max-answer",
        type=float,
        default=240,
        metavar="SECONDS",
        help="batches are kept so small that an answer comes within this time, by what was measured; "
        "clients give up after some minutes",
    )
    add("--max-body-mb", type=int, default=8, help="size of a JSON request")
    add("--max-upload-mb", type=int, default=512, help="size of an uploaded file")
    add(
        "--allowed-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name under which this server is reached, beside the loopback ones and --host; * for "
        "any; may be given several times",
    )
    add(
        "--api-key",
        default=os.environ.get("RATCHET_MODELSERVER_API_KEY") or None,
        metavar="KEY",
        help="what callers have to send as API key (better by RATCHET_MODELSERVER_API_KEY: other users "
        "of a machine see its command lines)",
    )
    add(
        "--kv-memory-mb",
        type=int,
        default=None,
        help="memory for one batch's keys and values (default: 4096 on a CPU, 60 %% of what is "
        "free on a GPU)",
    )
    add(
        "--prefix-memory-mb",
        type=int,
        default=256,
        help="memory for keys and values of prompts' common beginnings, kept between batches",
    )
    add(
        "--merge-limit-mb",
        type=int,
        default=512,
        help="float32 base models up to this size serve an adapter as a merged copy; others keep it "
        "beside the weights",
    )
    add("--max-merged", type=int, default=8, help="adapters kept in memory")
    add("--exit-with-parent", action="store_true", help="exit when stdin closes")
    options = parser.parse_args()
    if not options.model:
        options.model = [built_in.MODEL]
        options.adapter = [built_in.CRITIC, *options.adapter]
    return options


def split(option: str, text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise ValueError(f"{option} takes NAME=PATH, not '{text}'")
    return name, Path(path).expanduser().resolve()


def main() -> None:
    options = arguments()
    try:
        # What the user may have got wrong is looked at before the imports, which take seconds.
        models = [split("--model", text) for text in options.model]
        for name, path in models:
            try:
                model_folder.check_files(path)
            except model_folder.FetchError as error:
                raise ValueError(f"--model {name}: {error}") from None
        listener = listen(options.host, options.port)
        keep_freed_memory()
        import torch
        import transformers  # noqa: F401  (before the fork: the zygote has it then)

        from . import zygote

        forked = zygote.fork(listener) if sys.platform == "linux" else None
        if options.exit_with_parent:
            exit_when_stdin_closes()
        serve(options, models, listener, torch, forked)
    except (ValueError, OSError) as error:
        sys.exit(f"ratchet_modelserver: {one_line(error)}")


def serve(options: argparse.Namespace, models, listener: socket.socket, torch, forked) -> None:
    import uvicorn

    from .app import make_app
    from .engine import Engine, Limits
    from .jobs import Jobs
    from .protocol import Protocol
    from .registry import Registry
    from .store import Store

    cuda = torch.cuda.is_available()
    if options.device == "cuda" and not cuda:
        raise ValueError("--device cuda: PyTorch sees no CUDA device; use --device cpu")
    device = torch.device("cuda" if cuda and options.device != "cpu" else "cpu")
    dtype = None if options.dtype == "auto" else getattr(torch, options.dtype)
    store = Store(options.data.expanduser().resolve())
    # Uploads are spooled to the disk that they are kept on, which is the one that /health watches.
    tempfile.tempdir = str(store.folder / "files")
    registry = Registry(
        device,
        dtype,
        options.merge_limit_mb << 20,
        options.max_merged,
        options.prefix_memory_mb << 20,
    )
    for name, path in models:
        registry.add_base(name, path)
    first = next(iter(registry.bases))
    for text in options.adapter:
        name, path = split("--adapter", text)
        name, _, base = name.partition("@")
        if not path.is_dir() or (base and base not in registry.bases):
            raise ValueError(f"--adapter {text}: there is no such folder or base model")
        try:
            registry.add_adapter(name, base or first, path)
        except (ValueError, OSError) as error:
            say(f"ratchet_modelserver: not serving {name}: {one_line(error)}")  # the rest is
    kv_bytes = (options.kv_memory_mb or 4096) << 20
    if options.kv_memory_mb is None and device.type == "cuda":
        kv_bytes = int(0.6 * torch.cuda.mem_get_info()[0])
    limits = Limits(
        max_batch=options.max_batch,
        max_queue=options.max_queue,
        kv_bytes=kv_bytes,
        max_wait=options.max_wait,
        max_answer=options.max_answer,
    )
    engine = Engine(registry, limits, options.threads)
    jobs = Jobs(store, registry, forked, options.train_threads or options.threads, options.train_command)
    config = uvicorn.Config(
        make_app(engine, store, jobs, doors(options)),
        http=Protocol,
        log_level="warning",
        access_log=False,
        lifespan="on",
        backlog=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    raise_open_files()
    server = uvicorn.Server(config)
    started = server.startup

    async def startup(sockets=None) -> None:
        await started(sockets=sockets)
        if server.started:
            port = listener.getsockname()[1]
            names = ",".join(registry.models)
            ready(f"ready http://{options.host}:{port} models={names}")

    server.startup = startup
    # The GIL's default switch interval of 5 ms would make the engine wait that long, again and
    # again, while requests are being read.
    sys.setswitchinterval(0.0005)
    # The server raises the signal that stopped it once more when it is done; it has been honoured.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    server.run(sockets=[listener])
    store.close()
    # A batch in flight would keep its thread, and so the process, for seconds.
    try:
        sys.stdout.flush()
    except OSError:
        pass
    os._exit(0)


def doors(options: argparse.Namespace):
    from .app import Doors

    anywhere = options.host in ("0.0.0.0", "::")
    return Doors(
        hosts=options.allowed_host + ([] if anywhere else [options.host]),
        api_key=options.api_key,
        max_body=options.max_body_mb << 20,
        max_upload=options.max_upload_mb << 20,
    )


def ready(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError:
        pass  # a log on a full disk: whoever waits for the server asks for its health


def listen(host: str, port: int) -> socket.socket:
    """Raises ValueError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise ValueError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port"
        ) from None
    listener.listen(4096)
    return listener


def raise_open_files() -> None:
    """A burst is one connection per request; the usual soft limit of 1,024 files would refuse
    most of it."""
    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ImportError, ValueError, OSError):
        pass


if __name__ == "__main__":
    main()
