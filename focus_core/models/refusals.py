"""What a model folder may hold instead of a model: adapters, quantised weights, other programs' files, code.

Each is told from names and small JSON files, before any weight is read, and refused in a line that names it and what to
do. Reads no tensor and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from focus_core.errors import ModelError, bad_input, phrase
from focus_core.models.hub import CONFIG_NAMES, SENTENCEPIECE_NAMES
from focus_core.models.tensors import INDEX, SINGLE

ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
ADAPTER_MARKS = ("base_model.model.", "lora_A", "lora_B", "lora_embedding_")
MERGE = "merge it into its base model: PeftModel.from_pretrained(base, folder).merge_and_unload().save_pretrained(new)"
BY_OLDER = "with a release 4 of transformers, where it can be trusted, and save_pretrained(safe_serialization=True)"
OTHER_WEIGHTS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("*.gguf",),
        "a GGUF file, which llama.cpp reads and which is mostly quantised",
        "name the folder of the model that it was converted from",
    ),
    (
        ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl"),
        "a pickle, which can run code when it is read",
        "convert it: where you trust it, load it with its class and save it again with model.save_pretrained(new)",
    ),
    (("*.h5", "*.ckpt.index", "*.pb"), "weights for TensorFlow", f"load it with from_tf=True {BY_OLDER}"),
    (("*.msgpack",), "weights for Flax", f"load it with from_flax=True {BY_OLDER}"),
    (
        ("*.onnx", "onnx/*.onnx", "openvino_model.xml", "*.tflite", "*.mlpackage", "*.mlmodel", "*.ot"),
        "a graph for inference, whose embeddings have no name",
        "name the folder of the model that it was exported from",
    ),
    (
        ("*.npz",),
        "an archive of arrays",
        phrase("save its matrix as .npy and give that with {source_embeddings} and {source_tokenizer}"),
    ),
    (
        ("*.npy",),
        "a matrix without a model",
        phrase("give it with {source_embeddings}, and its tokenizer with {source_tokenizer}"),
    ),
    (
        ("*-of-*.safetensors",),
        "a part of a model whose list of parts is missing",
        f"fetch the whole folder, with {INDEX}",
    ),
    (
        ("*.safetensors",),
        "safetensors under another name",
        phrase("save the model with save_pretrained, or give a bare matrix with {source_embeddings}"),
    ),
)
"""What is no model for transformers: patterns of names, what it is, and the way out; the first that is there counts."""

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z")
QUANTISED_FILES = ("quantize_config.json", "quant_config.json", "hf_quant_config.json")
QUANTISED_KEYS = ("quantization_config", "compression_config")
MOST_DEPTH = 8
MOST_SHOWN = 3


def refuse_file(path: Path) -> ModelError:
    """Return the error of a file that was named where a model's folder is wanted.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    ModelError
        Ready to raise: it says what the file is, by its name, and what to give instead.
    """
    got, remedy = other_kind(path.name) or ("a file", "give a local model folder or a Hub id")
    if path.suffix == ".safetensors":
        remedy = "give the folder that holds it, or a bare matrix with {source_embeddings} and {source_tokenizer}"
        got, remedy = "one file of weights", phrase(remedy)
    return bad_input(path.name, "a model folder", got, remedy, ModelError)


def other_kind(name: str) -> tuple[str, str] | None:
    """Return what a file is that is no safetensors file and may hold weights, by its name, and the way out."""
    if name.endswith(ARCHIVES):
        return "an archive", "unpack it and give the folder"
    known = ((kind, remedy) for patterns, kind, remedy in OTHER_WEIGHTS if any(fnmatch(name, p) for p in patterns))
    return next(known, None)


def refuse_other_kinds(folder: Path, *, fetched: bool = False) -> None:
    """Refuse a folder that holds something else than a whole model.

    Parameters
    ----------
    folder : Path
        The folder.
    fetched : bool, default=False
        Whether it comes from the Hub, of which files of other kinds are not fetched.

    Raises
    ------
    ModelError
        If it holds an adapter, weights of another program, a pickle, a tokenizer alone, or nothing of this.
    """
    adapter = next((name for name in ADAPTERS if (folder / name).is_file()), None)
    if adapter:
        raise _adapter(folder.name, f"{adapter}, ")
    if (folder / SINGLE).is_file() or (folder / INDEX).is_file():
        return
    expected = f"weights in {SINGLE} or {INDEX}"
    if fetched:
        remedy = "choose a repository that has them; pickles, GGUF and ONNX files are never read"
        raise bad_input(folder.name, expected, "neither in that repository", remedy, ModelError)
    for patterns, kind, remedy in OTHER_WEIGHTS:
        found = sorted(path.relative_to(folder).as_posix() for pattern in patterns for path in folder.glob(pattern))
        if found:
            raise bad_input(folder.name, expected, f"{found[0]}, {kind}", remedy, ModelError)
    raise bad_input(folder.name, expected, *_without_weights(folder), ModelError)


def _adapter(subject: str, file: str = "") -> ModelError:
    got = f"{file}an adapter of PEFT, which changes another model"
    return bad_input(subject, "a whole model", got, MERGE, ModelError)


def refuse_adapter_tensors(subject: str, names: Iterable[str]) -> None:
    """Refuse a file whose tensors are those of an adapter.

    Parameters
    ----------
    subject : str
        How the message calls the file.
    names : iterable of str
        Names of its tensors.

    Raises
    ------
    ModelError
        If a name is one that PEFT gives.
    """
    if any(mark in name for name in names for mark in ADAPTER_MARKS):
        raise _adapter(subject)


def _without_weights(folder: Path) -> tuple[str, str]:
    """Return what a folder without any weights is, and what to do."""
    tokenizers = ("tokenizer.json", "vocab.json", "vocab.txt", *SENTENCEPIECE_NAMES)
    inside = sorted({path.parent.name for name in (SINGLE, INDEX) for path in folder.glob(f"*/{name}")})
    if inside:
        return f"neither; there are weights in its folder {inside[0]}", f"name the folder {inside[0]} inside it"
    if any((folder / name).is_file() for name in tokenizers):
        remedy = "name a model's folder, or give a matrix with {source_embeddings} and this with {source_tokenizer}"
        return "a tokenizer alone", phrase(remedy)
    names = sorted(path.name for path in folder.iterdir())
    if names == ["config.json"] or (names and set(names) <= {*CONFIG_NAMES, "README.md"}):
        return "a configuration alone", "fetch the whole folder, with its weights"
    shown = ", ".join(names[:MOST_SHOWN]) + (" …" if len(names) > MOST_SHOWN else "")
    return f"neither ({shown})" if shown else "an empty folder", "name the folder of a model"


def refuse_quantised(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse weights in fewer bits than their numbers have.

    Parameters
    ----------
    folder : Path
        The folder, for a message and for the small files that say so.
    config : mapping
        Its ``config.json``.

    Raises
    ------
    ModelError
        If any part of the configuration, or a file beside it, says that weights are quantised.
    """
    ways = [*_quantisations(config), *(name for name in QUANTISED_FILES if (folder / name).is_file())]
    if ways:
        got = f"quantised weights ({ways[0]})"
        remedy = "name the folder of the model that it was quantised from"
        if "bitsandbytes" in ways[0]:
            remedy += ", or load it, call dequantize() and save_pretrained"
        raise bad_input(folder.name, "weights in a floating-point type", got, remedy, ModelError)


def _quantisations(config: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Yield the ways of quantising that a configuration names, those of its parts included."""
    for key, value in config.items():
        if key in QUANTISED_KEYS and value:
            yield _way(value) if isinstance(value, Mapping) else str(value)
        elif isinstance(value, Mapping) and depth < MOST_DEPTH:
            yield from _quantisations(value, depth + 1)


def _way(quantisation: Mapping[str, Any]) -> str:
    """Return what a quantisation calls itself."""
    bits = next((n for n in (4, 8) if quantisation.get(f"load_in_{n}bit") or quantisation.get(f"_load_in_{n}bit")), 0)
    method = str(quantisation.get("quant_method") or ("bitsandbytes" if bits else "of an unnamed method"))
    shown = quantisation.get("bits") or bits
    return f"{method}, {shown} bits" if shown else method


def refuse_unknown_class(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse a model whose class is code of the folder, or of a type that transformers lacks.

    Parameters
    ----------
    folder : Path
        The folder, for a message.
    config : mapping
        Its ``config.json``.

    Raises
    ------
    ModelError
        If transformers lacks the type, or ``auto_map`` names code and transformers lacks a class that is named.
    """
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    kind, named = config.get("model_type"), config.get("architectures") or []
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise bad_input("config.json", "architectures: a list of names", repr(named), "correct the file", ModelError)
    known = isinstance(kind, str) and kind in CONFIG_MAPPING_NAMES
    if known and (not config.get("auto_map") or set(named) <= set(dir(transformers))):  # names: no class is imported
        return
    if config.get("auto_map"):
        got = f"{', '.join(named) or kind or 'a class of its own'}, which needs code from the folder that is never run"
    elif kind is None:
        got = "no model_type in its config.json"
    else:
        got = f"{kind!r}, which transformers {transformers.__version__} lacks"
    remedy = phrase("give {source_tokenizer} and {source_embeddings} instead")
    raise bad_input(folder.name, "an architecture of the transformers library", got, remedy, ModelError)
