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

from . import adapters, attention, dtypes, llama, prefill
from .errors import bad_request, model_not_found
from .guides import Vocabulary
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
        self.adapted: OrderedDict[str, Weights] = OrderedDict()
        self.loading = threading.Lock()

    def add_base(self, id: str, path: Path) -> None:
        """Load a Hugging Face causal LM folder. Raises ValueError or OSError for a broken one."""
        dtype = self.dtype or dtypes.choose(path, self.device)
        module = load_model(path, dtype, self.device)
        attention.use(module, self.device)
        tokenizer = AutoTokenizer.from_pretrained(path)
        config = module.config.get_text_config(decoder=True)
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        head_size = (
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        )
        try:
            template = Template(tokenizer)
        except ValueError as error:
            raise ValueError(f"--model {id}: {path}: {error}") from None
        eos_ids = end_tokens(module, tokenizer)
        base = Base(
            id=id,
            path=path,
            weights=Weights.of(module),
            tokenizer=tokenizer,
            eos_ids=eos_ids,
            max_length=getattr(config, "max_position_embeddings", None) or 2048,
            digest=digest_weights(path),
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
        self.models[id] = Model(id, base, None, f"fp_{base.digest[:16]}", base.created)

    def add_adapter(
        self,
        id: str,
        base_id: str,
        folder: Path,
        created: int | None = None,
        fine_tuned: bool = False,
    ) -> Model:
        """Raises ValueError when the folder is no adapter for this base, or holds no numbers."""
        base = self.bases.get(base_id)
        if base is None:
            raise ValueError(
                f"adapter {id}: there is no base model '{base_id}' (have: {', '.join(self.bases)})"
            )
        adapters.read_config(folder)
        adapters.check_finite(folder)
        digest = hashlib.sha256(f"{base.digest}+{digest_weights(folder)}".encode()).hexdigest()
        model = Model(
            id, base, folder, f"fp_{digest[:16]}", created or int(time.time()), fine_tuned
        )
        self.models[id] = model
        return model

    def remove(self, id: str) -> None:
        model = self.models.pop(id, None)
        if model and not any(m.fingerprint == model.fingerprint for m in self.models.values()):
            self.prefixes.drop(model.fingerprint)

    def resolve(self, id: str | None) -> Model:
        """The model of this id, or the first base. Raises a 404 for an id that is not served."""
        model = self.models.get(next(iter(self.bases)) if id is None else id)
        if model is None:
            raise model_not_found(id)
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
                except FileNotFoundError as error:
                    message = f"The adapter of '{model.id}' is gone: {error}"
                    raise bad_request(message, "model") from None
                self.adapted[model.fingerprint] = found
                while len(self.adapted) > self.keep:
                    self.adapted.popitem(last=False)
            self.adapted.move_to_end(model.fingerprint)
            return found

    def with_adapter(self, base: Base, folder: Path) -> Weights:
        """Merged where that is exact enough and memory allows a copy; else beside the base's
        weights, which are shared."""
        module = base.weights.module
        if base.dtype == torch.float32 and base.bytes <= self.merge_limit:
            copied = lambda: copy.deepcopy(module)  # noqa: E731
            return Weights.of(adapters.merged(module, copied, folder).eval())
        return Weights(adapters.beside(module, folder).eval())


def load_model(path: Path, dtype: torch.dtype, device: torch.device) -> nn.Module:
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(path, dtype=dtype).to(device).eval()


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
