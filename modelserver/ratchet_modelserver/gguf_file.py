"""A GGUF file -> a Hugging Face folder in bfloat16: the weights are dequantised once, the tokenizer
and the chat template come along.

Covers: architectures that Transformers' reader does not know, cut-off files, weights that no place
was found for or that were left empty, values that are no numbers, tokenizers that would cut text
otherwise, an output layer that is the embedding in another quantisation, Llama 3's scaled rotary
frequencies. Does not cover: what quantisation has lost.
"""

from __future__ import annotations

import math
from pathlib import Path

from .fetching import FetchError, first_line, report, require_disk, require_memory

# Two quantisations of one matrix differ by some per cent; two matrices by more than all of it.
SAME_MATRIX = 0.15
# By llama.cpp's names of pre-tokenizers: digits one by one, then GPT-2's rule.
SINGLE_DIGITS = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b")
PLAIN = (None, "default", "gpt-2", "phi-2", "olmo", "dbrx", "mpt")


def convert(source: Path, out: Path) -> str | None:
    """Answers the licence that the file states, where it does. Raises FetchError; what is in `out`
    then is to be thrown away."""
    reader = read(source)
    parameters = sum(math.prod(int(n) for n in tensor.shape) for tensor in reader.tensors)
    require_disk(out.parent, 2 * parameters, "The model in bfloat16")
    require_memory(6 * parameters + int(1e9), "To convert it")
    report("converting")
    model = load(source, parameters, reader)
    tie(model)
    check_values(model)
    scale_rotary(model, reader)
    out.mkdir()
    save(model, out)
    save_tokenizer(source, model, reader, out)
    return text_field(reader, "general.license")


def read(source: Path):
    """The file's head, with every tensor in reach. Raises FetchError when it is no whole GGUF file
    of an architecture that can be read."""
    from gguf import GGUFReader
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    if not source.is_file():
        raise FetchError(f"There is no file {source}: correct the path.")
    with source.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise FetchError(f"{source} is no GGUF file: download it again, or correct the path.")
    try:
        reader = GGUFReader(str(source))
    except Exception as error:  # whatever a broken head makes its parser do
        raise FetchError(
            f"{source} cannot be read ({error}): it is cut off or damaged. Download it again."
        ) from None
    architecture = text_field(reader, "general.architecture")
    if architecture not in GGUF_SUPPORTED_ARCHITECTURES and architecture not in (
        "qwen2moe",
        "qwen3moe",
        "gpt-oss",
        "minimax-m2",
    ):
        known = ", ".join(
            name for name in GGUF_SUPPORTED_ARCHITECTURES if name not in ("general", "tokenizer")
        )
        raise FetchError(
            f"{source}: Transformers can't read GGUF files of the architecture '{architecture}' "
            f"(it reads {known}): add the model by its hub id or as a safetensors folder."
        )
    if text_field(reader, "split.count") not in (None, 0, 1):
        raise FetchError(
            f"{source} is one part of several: join them with llama.cpp's llama-gguf-split --merge, "
            "and give the joined file."
        )
    return reader


def text_field(reader, name: str):
    field = reader.get_field(name)
    return None if field is None else field.contents()


def load(source: Path, parameters: int, reader):
    """The model in bfloat16, every weight filled."""
    import torch
    import transformers
    from transformers import AutoModelForCausalLM

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    more = {}
    if hasattr(transformers, "GgufConfig"):
        # Newer releases would keep the weights in their blocks.
        more["quantization_config"] = transformers.GgufConfig(dequantize=True)
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            source.parent,
            gguf_file=source.name,
            dtype=torch.bfloat16,
            output_loading_info=True,
            **more,
        )
    except MemoryError:
        raise FetchError(f"{source}: the memory was not enough to convert it.") from None
    except Exception as error:
        raise FetchError(
            f"{source} cannot be converted ({first_line(error)}): add the model by its hub id or as "
            "a safetensors folder."
        ) from None
    tied = set(getattr(model, "_tied_weights_keys", None) or ())
    missing = sorted(
        name
        for name in info["missing_keys"]
        if not (model.config.tie_word_embeddings and name in tied)
    )
    strange = sorted(info["unexpected_keys"])
    for names, what in ((missing, "has no weights for"), (strange, "has weights unknown to")):
        if names:
            raise FetchError(
                f"{source} {what} {type(model).__name__}: {', '.join(map(str, names[:5]))}"
                f"{' …' if len(names) > 5 else ''}. Add the model by its hub id instead."
            )
    # A reader that leaves out a tensor it does not know says nothing of it.
    unused = sum(
        math.prod(int(n) for n in tensor.shape)
        for tensor in reader.tensors
        if tensor.name.startswith("rope_f")
    )
    filled = sum(parameter.numel() for parameter in model.parameters())
    if filled != parameters - unused:
        raise FetchError(
            f"{source} holds {parameters - unused:,} weights, and {type(model).__name__} took "
            f"{filled:,}: some were left out. Add the model by its hub id instead."
        )
    return model


def tie(model) -> None:
    """Where the output layer is the embedding once more, in another quantisation, both become the
    output's values, which are the finer ones: the model was made with one matrix."""
    into, out = model.get_input_embeddings(), model.get_output_embeddings()
    if out is None or into.weight is out.weight or into.weight.shape != out.weight.shape:
        return
    rows = slice(None, None, max(1, into.weight.shape[0] // 4096))
    first, second = into.weight.detach()[rows].float(), out.weight.detach()[rows].float()
    if float((first - second).norm() / second.norm().clamp_min(1e-9)) > SAME_MATRIX:
        return
    into.weight = out.weight
    model.config.tie_word_embeddings = True
    model.tie_weights()


def check_values(model) -> None:
    for name, weight in model.named_parameters():
        if not weight.isfinite().all():
            raise FetchError(
                f"The weights of {name} hold values that are no numbers: the file is damaged. "
                "Download it again."
            )


def scale_rotary(model, reader) -> None:
    """Llama 3's files hold the scaling of the rotary frequencies as a tensor, which Transformers'
    reader passes over. Where it is the published scaling, its settings are put back; else the file
    is refused, since long texts would be read wrongly."""
    import numpy

    tensor = next((one for one in reader.tensors if one.name == "rope_freqs.weight"), None)
    if tensor is None:
        return
    divisors = numpy.asarray(tensor.data, dtype=numpy.float64).reshape(-1)
    factor = float(divisors.max())
    if factor == 1 and float(divisors.min()) == 1:
        return
    config = model.config
    rope = dict(getattr(config, "rope_parameters", None) or {})
    theta = rope.get("rope_theta") or getattr(config, "rope_theta", 10_000.0)
    for original in (8192, 4096, 16_384, 32_768):
        if numpy.allclose(
            llama3_divisors(theta, 2 * len(divisors), factor, original), divisors, rtol=1e-3
        ):
            rope.update(
                rope_type="llama3",
                factor=factor,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=original,
            )
            config.rope_parameters = rope
            return
    raise FetchError(
        "The file scales its rotary frequencies (rope_freqs.weight) in a way that can't be carried "
        "over: add the model by its hub id instead."
    )


def llama3_divisors(theta: float, size: int, factor: float, original: int):
    """By what each rotary frequency is divided, with the low and high factors 1 and 4 of
    https://arxiv.org/abs/2407.21783."""
    import numpy

    wavelength = 2 * math.pi * theta ** (numpy.arange(0, size, 2) / size)
    smooth = (original / wavelength - 1) / 3
    between = 1 / ((1 - smooth) / factor + smooth)
    return numpy.where(
        wavelength < original / 4, 1.0, numpy.where(wavelength > original, factor, between)
    )


def save(model, out: Path) -> None:
    for name in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(model.config, name):
            delattr(model.config, name)
    # Its class was made for the blocks of a GGUF file, and so refuses to be saved.
    if getattr(model, "hf_quantizer", None) is not None:
        model.hf_quantizer = None
    for name in ("is_quantized", "quantization_method"):
        if hasattr(model, name):
            delattr(model, name)
    # The name of the file's maker is no place where this model could be found.
    model.config._name_or_path = ""
    model.config.architectures = [type(model).__name__]
    report("saving")
    model.save_pretrained(out, max_shard_size="4GB")


def save_tokenizer(source: Path, model, reader, out: Path) -> None:
    from transformers import AutoTokenizer

    kind = text_field(reader, "tokenizer.ggml.model")
    pre = text_field(reader, "tokenizer.ggml.pre")
    if kind is None:
        raise FetchError(f"{source} has no tokenizer: add the model by its hub id instead.")
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    except Exception as error:
        raise FetchError(
            f"{source}: its tokenizer can't be read ({first_line(error)}): add the model by its hub "
            "id instead."
        ) from None
    if kind == "gpt2":
        set_pre_tokenizer(tokenizer, pre, source)
    template = text_field(reader, "tokenizer.chat_template")
    if template and not tokenizer.chat_template:
        tokenizer.chat_template = template
    context = getattr(model.config, "max_position_embeddings", None)
    if context:
        tokenizer.model_max_length = context
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise FetchError(
            f"{source}: its tokenizer has {len(tokenizer)} tokens, its embedding {rows} rows. "
            "Download it again."
        )
    text = "In 1999, 12 + 7 = 19.\n\tYes: “naïve” it's 100 %!"
    ids = tokenizer.encode(text, add_special_tokens=False)
    back = tokenizer.decode(ids)
    if back.strip() != text:
        raise FetchError(
            f"{source}: its tokenizer reads {text!r} back as {back!r}. Add the model by its hub id "
            "instead."
        )
    tokenizer.save_pretrained(out)


def set_pre_tokenizer(tokenizer, pre: str | None, source: Path) -> None:
    """How text is cut before pairs are merged. Transformers' reader knows some of llama.cpp's names
    and takes GPT-2's rule for all others."""
    try:
        from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS
    except ImportError:
        return
    if pre in GGUF_PRE_TOKENIZER_SPLITS or pre in PLAIN:
        return
    if pre not in SINGLE_DIGITS:
        raise FetchError(
            f"{source}: its way of cutting text ('{pre}') can't be carried over, so the model would "
            "read other tokens than it was trained on. Add it by its hub id instead."
        )
    from tokenizers import pre_tokenizers

    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )


