"""The models that can answer: bases loaded at start, adapters loaded on use; each with its
fingerprint."""

from __future__ import annotations

import copy
import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging

from . import adapters, attention, dtypes, llama, model_folder, prefill
from .errors import bad_request, model_not_found
from .guides import Vocabulary
from .log import one_line
from .prefix import Prefixes
from .template import Template

WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")


@dataclass
class Weights:
    """A model in memory, and its quick decoding step where there is one."""

    module: nn.Module
    quick: llama.Step | None = None

    @classmethod
    def of(cls, module: nn.Module) -> Weights:
        return cls(module, llama.Step(module) if llama.fits(module) else None)


@dataclass
class Base:
    """A base model in memory."""

    id: str
    path: Path
    weights: Weights
    tokenizer: PreTrainedTokenizerBase
    eos_ids: list[int]
    max_length: int
    digest: str
    parameters: int
    bytes: int
    kv_bytes_per_token: int
    dtype: torch.dtype
    shares_prefixes: bool
    """Whether rows may attend to a prefix that is not in their own cache (see attention.py)."""
    vocabulary: Vocabulary
    template: Template
    created: int = field(default_factory=lambda: int(time.time()))


@dataclass(frozen=True)
class Model:
    """What a model id stands for: a base, or a base with the adapter in `folder`."""

    id: str
    base: Base
    folder: Path | None
    fingerprint: str
    created: int
    weight_bytes: int
    """In memory once it answers: its own copy where the adapter is merged, else base and adapter."""
    fine_tuned: bool = False


class Registry:
    """Models by id. Safe to use from the event loop and the engine's threads."""

    def __init__(
        self,
        device: torch.device,
        dtype: torch.dtype | None,
        merge_limit: int,
        keep: int,
        prefix_bytes: int = 256 << 20,
    ):
        """dtype: None chooses for each base (see `dtypes.choose`); merge_limit: bytes of base
        float32 weights up to which an adapter is merged into a copy; keep: how many adapted
        models stay in memory; prefix_bytes: keys and values of shared prefixes kept."""
        self.device, self.dtype = device, dtype
        self.prefixes = Prefixes(prefix_bytes)
        self.merge_limit, self.keep = merge_limit, keep
        self.bases: dict[str, Base] = {}
        self.models: dict[str, Model] = {}
        self.not_served: dict[str, str] = {}
        """Adapters that should be models and cannot be, with the reason."""
        self.adapted: OrderedDict[str, Weights] = OrderedDict()
        self.loading = threading.Lock()

    def add_base(self, id: str, path: Path) -> None:
        """Load a Hugging Face causal LM folder. Runs no code of it. Raises ValueError for a broken
        one, in one line that names the file, where it is known, and the mend."""
        try:
            model_folder.check_files(path)
            model_folder.check_architecture(path, model_folder.read_config(path))
            self.load_base(id, path)
        except Exception as error:
            if isinstance(error, torch.OutOfMemoryError | MemoryError):
                raise ValueError(f"--model {id}: {path} is too large for the memory") from None
            raise ValueError(f"--model {id}: {one_line(error)}") from None

    def load_base(self, id: str, path: Path) -> None:
        dtype = self.dtype or dtypes.choose(path, self.device)
        module = load_model(path, dtype, self.device)
        attention.use(module, self.device)
        tokenizer = load_tokenizer(path)
        config = module.config.get_text_config(decoder=True)
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        head_size = (
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        )
        try:
            template = Template(tokenizer, embedding_rows(module))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        eos_ids = end_tokens(module, tokenizer)
        base = Base(
            id=id,
            path=path,
            weights=Weights.of(module),
            tokenizer=tokenizer,
            eos_ids=eos_ids,
            max_length=getattr(config, "max_position_embeddings", None) or 2048,
            digest=digest_weights(path),
            parameters=sum(p.numel() for p in module.parameters()),
            bytes=sum(p.numel() * p.element_size() for p in module.parameters()),
            kv_bytes_per_token=2
            * config.num_hidden_layers
            * heads
            * head_size
            * (dtype.itemsize + (4 if attention.in_use(module) else dtype.itemsize))
            // 2,
            dtype=dtype,
            shares_prefixes=prefill.shares_prefixes(module),
            vocabulary=Vocabulary(tokenizer, eos_ids, config.vocab_size),
            template=template,
        )
        self.bases[id] = base
        self.models[id] = Model(
            id, base, None, f"fp_{base.digest[:16]}", base.created, base.bytes
        )

    def add_adapter(
        self,
        id: str,
        base_id: str,
        folder: Path,
        created: int | None = None,
        fine_tuned: bool = False,
    ) -> Model:
        """Raises ValueError when the folder is no adapter for this base, or holds no numbers; whoever
        asks for the model is told so from then on."""
        try:
            model = self.make_adapter(id, base_id, folder, created, fine_tuned)
        except (ValueError, OSError) as error:
            self.not_served[id] = one_line(error)
            raise
        self.not_served.pop(id, None)
        self.models[id] = model
        return model

    def make_adapter(
        self, id: str, base_id: str, folder: Path, created: int | None, fine_tuned: bool
    ) -> Model:
        base = self.bases.get(base_id)
        if base is None:
            raise ValueError(
                f"adapter {id}: there is no base model '{base_id}' (have: {', '.join(self.bases)})"
            )
        adapters.check(folder, base.weights.module)
        digest = hashlib.sha256(f"{base.digest}+{digest_weights(folder)}".encode()).hexdigest()
        beside = 0 if self.merges(base) else (folder / "adapter_model.safetensors").stat().st_size
        return Model(
            id,
            base,
            folder,
            f"fp_{digest[:16]}",
            created or int(time.time()),
            base.bytes + beside,
            fine_tuned,
        )

    def remove(self, id: str) -> None:
        self.not_served.pop(id, None)
        model = self.models.pop(id, None)
        if model and not any(m.fingerprint == model.fingerprint for m in self.models.values()):
            self.prefixes.drop(model.fingerprint)

    def resolve(self, id: str | None) -> Model:
        """The model of this id, or the first base. Raises a 404 for an id that is not served."""
        model = self.models.get(next(iter(self.bases)) if id is None else id)
        if model is None:
            raise model_not_found(id, self.not_served.get(id))
        return model

    def weights(self, model: Model) -> Weights:
        """What answers for `model`, ready for a forward pass. Raises a 400 when its adapter is
        gone."""
        if model.folder is None:
            return model.base.weights
        with self.loading:
            # By fingerprint: an id that was deleted and made again must not find the old weights.
            found = self.adapted.get(model.fingerprint)
            if found is None:
                try:
                    found = self.with_adapter(model.base, model.folder)
                except (torch.OutOfMemoryError, MemoryError):
                    raise
                except FileNotFoundError as error:
                    message = f"The adapter of '{model.id}' is gone: {error}"
                    raise bad_request(message, "model") from None
                except Exception as error:
                    message = f"The adapter of '{model.id}' cannot be used: {one_line(error)}"
                    raise bad_request(message, "model") from None
                self.adapted[model.fingerprint] = found
                while len(self.adapted) > self.keep:
                    self.adapted.popitem(last=False)
            self.adapted.move_to_end(model.fingerprint)
            return found

    def merges(self, base: Base) -> bool:
        return base.dtype == torch.float32 and base.bytes <= self.merge_limit

    def with_adapter(self, base: Base, folder: Path) -> Weights:
        """Merged where that is exact enough and memory allows a copy; else beside the base's
        weights, which are shared."""
        module = base.weights.module
        if self.merges(base):
            copied = lambda: copy.deepcopy(module)  # noqa: E731
            return Weights.of(adapters.merged(module, copied, folder).eval())
        return Weights(adapters.beside(module, folder).eval())


def load_model(path: Path, dtype: torch.dtype, device: torch.device) -> nn.Module:
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    module, found = AutoModelForCausalLM.from_pretrained(
        path,
        dtype=dtype,
        trust_remote_code=False,
        use_safetensors=True,
        output_loading_info=True,
    )
    # Transformers would fill them with random numbers, and say so in a log.
    if missing := sorted(found["missing_keys"]):
        raise ValueError(
            f"the weights in {path} lack {len(missing)} tensors of the model ({missing[0]}, …): "
            "download its weight files again"
        )
    return module.to(device).eval()


def load_tokenizer(path: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(path, trust_remote_code=False)


def embedding_rows(module: nn.Module) -> int:
    return module.get_input_embeddings().weight.shape[0]


def end_tokens(module: nn.Module, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Every id that ends an answer: the generation config's, the tokenizer's, and what the chat
    template ends an assistant's turn with."""
    ids = getattr(getattr(module, "generation_config", None), "eos_token_id", None)
    found = set(ids if isinstance(ids, list) else [ids]) | {
        tokenizer.eos_token_id,
        Template(tokenizer).end_id,
    }
    return sorted(id for id in found if id is not None)


def digest_weights(folder: Path) -> str:
    """sha256 hex over the names and contents of the folder's weight files (without subfolders).
    Raises ValueError when there are none."""
    files = sorted(p for p in folder.iterdir() if p.suffix in WEIGHT_SUFFIXES and p.is_file())
    if not files:
        raise ValueError(f"{folder} has no weight files ({', '.join(WEIGHT_SUFFIXES)})")
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()
