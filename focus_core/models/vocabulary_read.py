"""Read the tensors that follow a vocabulary from their files: each once, whatever names it has there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from focus_core.errors import ModelError, bad_input
from focus_core.models.tensors import TensorFiles, check_tensor, to_float
from focus_core.models.vocabulary_tensors import VocabularyLayout

if TYPE_CHECKING:
    import torch

COPIES, UNUSED = "copies", "unused"
"""Names of files' tensors that are left out: tied copies, and those that the model has no place for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VocabularyMatrices:
    """What the files hold for a vocabulary.

    Parameters
    ----------
    input : torch.Tensor of shape (n_rows, d)
        The input matrix.
    output : torch.Tensor of shape (n_rows, d) or None
        The output matrix; ``None`` where it is the input matrix or there is none.
    bias : torch.Tensor of shape (n_rows,) or None
        The bias of the output; ``None`` where there is none.
    extra : mapping of str to torch.Tensor
        Every other tensor, by its name in the model.
    names : mapping of str to tuple of str
        The names in the files of ``input``, ``output``, ``bias`` and each of ``extra``, and those that are left out.
    messages : tuple of str
        What the user should know, one sentence each.
    """

    input: torch.Tensor
    output: torch.Tensor | None
    bias: torch.Tensor | None
    extra: Mapping[str, torch.Tensor]
    names: Mapping[str, tuple[str, ...]]
    messages: tuple[str, ...] = ()


def read_vocabulary(
    files: TensorFiles, layout: VocabularyLayout, file_of: Mapping[str, str], *, says_tied: bool | None, name: str
) -> VocabularyMatrices:
    """Read every tensor that follows a vocabulary.

    Parameters
    ----------
    files : TensorFiles
        The weights.
    layout : VocabularyLayout
        Which tensors follow the vocabulary.
    file_of : mapping of str to str
        The name in the files of every tensor of the model, by its name there.
    says_tied : bool or None
        What ``config.json`` says of input and output embeddings; ``None`` where it is silent.
    name : str
        How messages call the model.

    Returns
    -------
    VocabularyMatrices
        The tensors as they are stored; integers have become float32.

    Raises
    ------
    ModelError
        If the input embeddings are missing, or a tensor has another shape or a value that is not finite.
    """
    return _Reader(files=files, layout=layout, file_of=file_of, says_tied=says_tied, name=name).read()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reader:
    """Reads the tensors of one model."""

    files: TensorFiles
    layout: VocabularyLayout
    file_of: Mapping[str, str]
    says_tied: bool | None
    name: str

    def read(self) -> VocabularyMatrices:
        """Return everything, each tensor once."""
        holder = self._holder(self.layout.input)
        if holder is None:
            got = "none: weights of another class, or a part of them"
            raise bad_input(self.name, f"a tensor {self.layout.input!r}", got, "is it the whole model?", ModelError)
        matrix, messages = to_float(self.files.read(self.file_of[holder]), holder)
        check_tensor("the input embeddings", matrix)
        names: dict[str, tuple[str, ...]] = {"input": (self.file_of[holder],)}
        done, apart = self._copies_of(holder, matrix, names)
        output, notes = self._read_output(apart, done, matrix, names)
        bias = self._read_bias(done, len(matrix), names)
        extra = dict(self._read_others(done, names))
        names["unused"] = self._unused(len(matrix))
        return VocabularyMatrices(
            input=matrix,
            output=output,
            bias=bias,
            extra=extra,
            names={kind: found for kind, found in names.items() if found},
            messages=messages + notes,
        )

    def _group(self, key: str) -> list[str]:
        """Return every name of the tensor that a name stands for, that one first."""
        groups = self.layout.groups
        return [key, *(other for other in groups if other != key and groups[other] == groups[key])]

    def _holder(self, key: str) -> str | None:
        """Return the name under which a tensor lies in the files, or a partner that the class ties to it."""
        names = [*self._group(key), *([self.layout.partners[key]] if key in self.layout.partners else [])]
        return next((one for one in names if one in self.file_of), None)

    def _copies_of(
        self, holder: str, matrix: torch.Tensor, names: dict[str, tuple[str, ...]]
    ) -> tuple[set[str], list[str]]:
        """Return the names that the input embeddings account for, and those whose values differ after all."""
        # subtle: two tensors that differ are two tensors whatever the configuration says, as in transformers 5.
        import torch

        done, apart, copies = {holder}, [], []
        for key in self._group(self.layout.input):
            if key == holder or key not in self.file_of:
                done.add(key)
            elif torch.equal(self.files.read(self.file_of[key]), matrix):
                done.add(key)
                copies.append(self.file_of[key])
            else:
                apart.append(key)
        names[COPIES] = tuple(copies)
        return done, apart

    def _read_output(
        self, apart: list[str], done: set[str], matrix: torch.Tensor, names: dict[str, tuple[str, ...]]
    ) -> tuple[torch.Tensor | None, tuple[str, ...]]:
        """Return the output matrix, ``None`` where it is tied, and what to say about it."""
        import torch

        group = self._group(self.layout.output) if self.layout.output else []
        found = [key for key in group if key in self.file_of and key not in done]
        done.update(group)
        if not found:
            return None, ()
        key = found[0]
        output = self.files.read(self.file_of[key])
        same = output.shape == matrix.shape and torch.equal(output, matrix)
        if same and self.says_tied is not False and self.layout.partners.get(key) is not None:
            names[COPIES] = (*names[COPIES], self.file_of[key])
            return None, ()
        check_tensor("the output embeddings", output, n_rows=len(matrix))
        names["output"] = tuple(self.file_of[one] for one in found)
        notes = ("The configuration ties input and output embeddings, but they differ; both are initialised.",)
        return output, notes if self.says_tied and key in apart else ()

    def _read_bias(self, done: set[str], n_rows: int, names: dict[str, tuple[str, ...]]) -> torch.Tensor | None:
        """Return the bias of the output, ``None`` where there is none."""
        # subtle: an untied masked-LM head of transformers 5 holds its bias twice, and files of older releases once; the
        # one beside the output matrix is the one in effect, so it is always written.
        key = self.layout.bias
        holder = self._holder(key) if key else None
        if holder is None:
            return None
        partner = self.layout.partners.get(key)
        group = [*self._group(key), *([partner] if partner else [])]
        done.update(group)
        bias = self.files.read(self.file_of[holder]).reshape(-1)
        check_tensor("the output bias", bias.reshape(1, -1), n_columns=n_rows)
        stored = [self.file_of[one] for one in group if one in self.file_of]
        tied = any(one in self.file_of for one in self._group(key))
        names["bias"] = tuple(dict.fromkeys(stored if tied else [*stored, key]))
        return bias

    def _read_others(self, done: set[str], names: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield every other tensor that the files hold, by its name in the model."""
        for key, place in self.layout.tensors.items():
            if key in done or key not in self.file_of:
                continue
            group = self._group(key)
            done.update(group)
            tensor, _ = to_float(self.files.read(self.file_of[key]), key)
            check_tensor(key, tensor.movedim(place.axis, 0).reshape(tensor.shape[place.axis], -1), n_rows=place.n_rows)
            names[key] = tuple(dict.fromkeys(self.file_of[one] for one in group if one in self.file_of))
            yield key, tensor

    def _unused(self, n_rows: int) -> tuple[str, ...]:
        """Return the names in the files of tensors of the vocabulary's size that the model has no place for."""
        placed = set(self.file_of.values())
        return tuple(sorted(n for n, shape in self.files.shapes.items() if n not in placed and n_rows in shape[:2]))
