"""Write the model card of an exported model: what it is, what it was made from, and what to know about it.

Owns the text. Everything that comes from a file (names, tokens, warnings) is shown as text and can be neither
Markdown nor HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from focus_core.initialization.methods.registry import METHODS

SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~&$])")
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
AUTO_CLASSES = (
    ("ForMaskedLM", "AutoModelForMaskedLM"),
    ("ForConditionalGeneration", "AutoModelForSeq2SeqLM"),
    ("ForCausalLM", "AutoModelForCausalLM"),
    ("LMHead", "AutoModelForCausalLM"),
    ("ForPreTraining", "AutoModelForPreTraining"),
)
CHOSEN_BY_RULE = ("epochs", "min_count", "threads")


def escape_markdown(text: str) -> str:
    r"""Return text that Markdown and HTML show as it is, on one line.

    Examples
    --------
    >>> print(escape_markdown("a_b<script>"))
    a\_b\<script\>
    """
    shown = UNSEEN.sub(lambda found: f"U+{ord(found[0]):04X}", text.encode("utf-8", "backslashreplace").decode())
    return SPECIAL.sub(r"\\\1", shown)


def auto_class(architectures: Any) -> str:
    """Return the ``AutoModel`` class that loads an architecture."""
    names = str(architectures)
    return next((name for mark, name in AUTO_CLASSES if mark in names), "AutoModel")


def write_card(manifest: Mapping[str, Any], *, architectures: Any, notes: list[str]) -> str:
    """Return the model card."""
    source, target = manifest["source"], manifest["target"]
    sections = [
        _head(manifest),
        f"# {escape_markdown(_base_name(manifest))} with the vocabulary of {escape_markdown(target['name'])}",
        _introduction(manifest, architectures),
        _table("Made from", _inputs(manifest, source, target)),
        _table("Rows by origin", manifest["counts"]["by_origin"]),
        _table("Options", _options(manifest["config"])),
        _warnings([*manifest.get("warnings", ()), *notes]),
        _loading(architectures),
        _method(manifest),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _base_name(manifest: Mapping[str, Any]) -> str:
    """Return the name of the source model, or of its tokenizer where only embeddings were given."""
    roles = {entry["role"]: entry["name"] for entry in manifest["inputs"]}
    return str(roles.get("source_model") or manifest["source"]["name"])


def _head(manifest: Mapping[str, Any]) -> str:
    """Return the YAML head; JSON strings are YAML strings. Only a Hub id can be a base model."""
    tags = json.dumps(["vocabulary-transfer", str(manifest["config"]["method"])])
    base = _base_name(manifest)
    lines = ["library_name: transformers", *([f"base_model: {json.dumps(base)}"] * bool(HUB_ID.fullmatch(base)))]
    return "\n".join(["---", *lines, f"tags: {tags}", "---"])


def _introduction(manifest: Mapping[str, Any], architectures: Any) -> str:
    extended = manifest["config"].get("extend")
    change = "was extended by tokens of another" if extended else "was replaced"
    body = "Every other weight is the source's, unchanged." if architectures else "There is no transformer body."
    return (
        f"The vocabulary of this model {change}; its token embeddings were initialised with "
        f"{escape_markdown(str(manifest['config']['method']))} and **not trained since**. {body} "
        "Continue its pre-training before judging it."
    )


def _method(manifest: Mapping[str, Any]) -> str:
    name = str(manifest["config"]["method"])
    citation = METHODS[name].citation if name in METHODS else escape_markdown(name)
    return f"## Method\n\n{citation}. The run folder that this was exported from holds the contributors of every row."


def _inputs(manifest: Mapping[str, Any], source: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    rows = {
        "source vocabulary": f"{source['name']}: {source['n']:,} ids, {source['family']}",
        "this vocabulary": f"{target['name']}: {target['n']:,} ids, {target['family']}",
    }
    for entry in manifest["inputs"]:
        rows[f"{entry['role']} {entry['name']}"] = f"SHA-256 {entry['sha256']}"
    return rows


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options; what was left to a rule is ``auto``."""
    return {key: "auto" if value is None and key in CHOSEN_BY_RULE else value for key, value in config.items()}


def _table(title: str, rows: Mapping[str, Any]) -> str:
    cells = [f"| {escape_markdown(str(k))} | {escape_markdown(_shown(v))} |" for k, v in rows.items()]
    return "\n".join([f"## {title}", "", "| | |", "|---|---|", *cells])


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)


def _warnings(warnings: list[str]) -> str:
    if not warnings:
        return ""
    return "\n".join(["## What to know", "", *(f"* {escape_markdown(text)}" for text in warnings)])


def _loading(architectures: Any) -> str:
    if not architectures:
        lines = ["from safetensors.numpy import load_file", "from tokenizers import Tokenizer", ""]
        lines += ['tokenizer = Tokenizer.from_file("tokenizer.json")', 'tensors = load_file("model.safetensors")']
    else:
        name = auto_class(architectures)
        lines = [f"from transformers import AutoTokenizer, {name}", ""]
        lines += ['tokenizer = AutoTokenizer.from_pretrained(".")', f'model = {name}.from_pretrained(".")']
    return "\n".join(["## Loading", "", "```python", *lines, "```"])
