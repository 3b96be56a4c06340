"""Write the model card of an exported model: what it is, what it was made from, and what to know about it.

The text is a template beside this module. Everything that comes from a file (names, tokens, warnings) is shown as text
and can be neither Markdown nor HTML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from focus_core.export.states import LEFT_ALONE, MADE, Kind, ModelState
from focus_core.initialization.methods.registry import METHODS

TEMPLATE = Path(__file__).parent / "card.md.j2"
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


def write_card(
    manifest: Mapping[str, Any], *, architectures: Any, notes: list[str], state: ModelState | None = None
) -> str:
    """Return the model card, Markdown under a YAML head; only a Hub id is named as a base model.

    Parameters
    ----------
    manifest : mapping
        The run's.
    architectures : Any
        The classes that ``config.json`` names; nothing for embeddings without a backbone.
    notes : list of str
        What to know, beside the run's own warnings.
    state : ModelState, default=None
        Which state of the run it is; ``None`` is the run as it was initialised.

    Returns
    -------
    str
        The text of ``README.md``.
    """
    from huggingface_hub import ModelCard, ModelCardData

    source, target, method = manifest["source"], manifest["target"], str(manifest["config"]["method"])
    roles = {entry["role"]: entry["name"] for entry in manifest["inputs"]}
    base = str(roles.get("source_model") or source["name"])
    kind, facts = (Kind.INITIALISED, {}) if state is None else (state.kind, state.facts())
    tables = {
        "Made from": _inputs(manifest, source, target),
        "Embeddings by origin": manifest["counts"]["by_origin"],
        "Options": _options(manifest["config"]),
        **({"Training": facts} if facts else {}),
    }
    card = ModelCard.from_template(
        ModelCardData(
            library_name="transformers",
            base_model=base if HUB_ID.fullmatch(base) else None,
            tags=["vocabulary-transfer", method],
        ),
        template_path=str(TEMPLATE),
        base=escape_markdown(base),
        target=escape_markdown(target["name"]),
        method=escape_markdown(method),
        extended=manifest["config"].get("extend"),
        made=MADE[kind],
        initialised=kind is Kind.INITIALISED,
        backbone=_backbone(kind, bool(architectures)),
        loader=auto_class(architectures) if architectures else None,
        tables={
            title: [(escape_markdown(str(name)), escape_markdown(_shown(value))) for name, value in rows.items()]
            for title, rows in tables.items()
        },
        warnings=[escape_markdown(text) for text in (*manifest.get("warnings", ()), *notes)],
        citation=METHODS[method].citation if method in METHODS else escape_markdown(method),
    )
    return str(card)


def _backbone(kind: Kind, whole: bool) -> str:
    """Return what the card says of every other weight."""
    if not whole:
        return "There is no transformer backbone."
    return "Every other weight is the source's, unchanged." if kind in LEFT_ALONE else "No weight is the source's."


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


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)
