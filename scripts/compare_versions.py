"""Prove that two checkouts of the project write the same bytes.

Usage: ``python scripts/compare_versions.py BEFORE AFTER [--keep DIR] [--only NAME ...]``.

BEFORE and AFTER are folders of checkouts; BEFORE may be a revision of AFTER's repository instead. Every verb of the
command line runs in both, over every bundled run that both have, and `init` over the sample corpora; whatever was
printed or written outside ``log/`` is compared. Every checkout works in a folder of its own, on copies of its bundled
files and with paths relative to it, so that no checkout is changed and no path tells the two apart. A difference is
expected where the tables of `version_differences.py` or a substitution name it; any other gives exit status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file
from version_differences import Difference, Substitution, compare_contents, expected_reason, migrated_files

CORPORA, DEMO, SOURCE = "assets/corpora", "assets/demo", "assets/demo/source"
UNTIED, USER_MAP = "given/untied", "given/map.tsv"
PAIRS = "#300\t#500\n#301\t#501\n"
DICTIONARIES = {
    "sw": "house\tnyumba\nwater\tmaji\nchild\tmtoto\nbook\tkitabu\n",
    "ar": "house\tبيت\nwater\tماء\nchild\tطفل\nbook\tكتاب\n",
}
METHODS = ("focus", "script", "subword-mean", "overlap", "multivariate-normal", "mean", "random")
BINARY = {".parquet", ".safetensors", ".zip"}
PRINTED = 12
"""Differences printed of one comparison; the others are counted."""


@dataclass(frozen=True)
class Case:
    """One comparison: commands to run one after the other, and the folder that is compared."""

    name: str
    commands: tuple[str, ...] = ()
    run: str = ""
    """A run to copy to ``{own}`` first."""
    folder: str = ""
    """What to compare; empty: everything that was printed or written below ``{out}``."""

    @property
    def out(self) -> str:
        """Where the commands write."""
        return "out/" + self.name.replace(" ", "-")


@dataclass(frozen=True)
class Side:
    """One of the two checkouts and the folder that it works in."""

    checkout: Path
    stage: Path

    def call(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """Run the interpreter with this checkout's packages, on one thread of the processor."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(("FOCUS_LAB", "PYTHON"))}
        own |= {"PYTHONPATH": str(self.checkout), "PYTHONPYCACHEPREFIX": str(self.stage / "bytecode")}
        own |= {"FOCUS_LAB_CACHE": str(self.stage / "cache"), "HF_HUB_OFFLINE": "1"}
        own |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=self.stage, env=own, capture_output=True, encoding="utf-8", check=False)

    def version(self) -> str:
        """Return the package's version; stop unless the package comes from this checkout."""
        code = "import focus_core; print(focus_core.__file__); print(focus_core.__version__)"
        file, version = self.call(["-c", code]).stdout.split("\n")[:2]
        if not Path(file).is_relative_to(self.checkout):
            sys.exit(f"{self.checkout}: the package was found in {file}")
        return version

    def perform(self, case: Case) -> list[Difference]:
        """Run a case's commands; return the failures, each as a difference that nothing explains."""
        out = self.stage / case.out
        (out / "log").mkdir(parents=True)
        if case.run:
            shutil.copytree(self.stage / case.run, out / "run")
        failures = []
        for number, command in enumerate(case.commands, start=1):
            words = shlex.split(command.replace("{own}", f"{case.out}/run").replace("{out}", case.out))
            done = self.call(["-m", "focus_core", *words])
            suffix = "json" if "--json" in words else "txt"
            (out / f"{number:02d}-{words[0]}.{suffix}").write_text(done.stdout, encoding="utf-8")
            if done.returncode:
                said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
                failures.append(Difference(f"{shlex.join(words)}: exit {done.returncode}: {said[0]}", "failed"))
                break
        return failures

    def contents(self, folder: str) -> dict[str, bytes]:
        """Return the files below a folder but for ``log/``; paths of this machine are blotted out of texts."""
        files = sorted(path for path in (self.stage / folder).rglob("*") if path.is_file())
        named = {path.relative_to(self.stage / folder): path for path in files}
        return {key.as_posix(): self._read(path) for key, path in named.items() if "log" not in key.parts[:-1]}

    def _read(self, path: Path) -> bytes:
        data = path.read_bytes()
        if path.suffix in BINARY:
            return data
        return data.replace(str(self.stage).encode(), b"<here>").replace(str(self.checkout).encode(), b"<checkout>")


def stage(checkout: Path, folder: Path) -> Side:
    """Copy what the commands read into a new folder, and write what no checkout has: pairs, words, an untied model."""
    for name in (CORPORA, DEMO):
        shutil.copytree(checkout / name, folder / name)
    shutil.copytree(folder / SOURCE, folder / UNTIED)
    tensors = load_file(folder / SOURCE / "model.safetensors")
    (matrix,) = (tensor for name, tensor in tensors.items() if name.endswith("word_embeddings.weight"))
    save_file({**tensors, "lm_head.decoder.weight": matrix[::-1].copy()}, folder / UNTIED / "model.safetensors")
    config = json.loads((folder / SOURCE / "config.json").read_text(encoding="utf-8"))
    (folder / UNTIED / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    (folder / USER_MAP).write_text(PAIRS)
    for language, words in DICTIONARIES.items():
        (folder / f"given/{language}.tsv").write_text(words, encoding="utf-8")
    return Side(checkout, folder)


def tokens_to_explain(run: Path) -> list[str]:
    """Return queries for a run: the most frequent token of every origin and kind, and one by its text."""
    table = pq.read_table(run / "tokens.parquet", columns=["id", "text", "kind", "origin", "frequency"]).to_pylist()
    rows = sorted((row for row in table if row["kind"]), key=lambda row: (-(row["frequency"] or 0), row["id"]))
    groups: dict[tuple[str, str], int] = {}
    for row in rows:
        groups.setdefault((row["origin"], row["kind"]), row["id"])
    combined = next(row for row in rows if row["origin"] == "combined")
    return [*(f"#{number}" for number in groups.values()), combined["text"]]


def run_cases(name: str, tokens: list[str], *, first: bool) -> Iterator[Case]:
    """Yield what is done with one bundled run; of the slow UMAP only with the first."""
    run, language = f"{DEMO}/runs/{name}", name.partition("-")[0]
    corpus = f"--corpus {CORPORA}/{language}.txt"
    words = f"--dictionary given/{language}.tsv" if language in DICTIONARIES else ""
    two = f"--source-tokenizer {SOURCE} --target-tokenizer {run}/target_tokenizer"
    modes = ("", "--json", "--match fuzzy --json", "--match symbols --json", f"--map {USER_MAP} --json")
    yield Case(f"bundled {name}", folder=run)
    yield Case(f"overlap {name}", tuple(f"overlap {two} {mode}" for mode in modes))
    asked = [f"explain {run} {shlex.quote(token)}" for token in tokens]
    yield Case(f"explain {name}", tuple(f"{ask}{form}" for ask in asked for form in ("", " --json")))
    yield Case(f"check {name}", (f"check {run}", f"check {run} --json"))
    evaluate = f"evaluate {run} {corpus}"
    yield Case(
        f"evaluate {name}",
        (f"{evaluate}", f"{evaluate} --all-lines {words} --json", f"{evaluate} {words} --seed 1 --output {{out}}/e"),
    )
    maps = ["project {own} --trained adapted --method pca --sample 900 --keep 7 --name p"]
    maps += [f"project {{own}} --other {run} --method pca --name other"]
    maps += ["project {own} --method umap --sample 300"] * first
    atlas = ["atlas {own} {out}/a.parquet", "atlas {own} {out}/p.parquet --projection p"]
    yield Case(f"project {name}", (*maps, *atlas), run=run)
    yield Case(
        f"report {name}", (f"{evaluate} --json", f"report {run} {{out}}/r.html --evaluation {{out}}/01-evaluate.json")
    )
    yield Case(f"export {name}", (f"export {run} {{out}}/model", f"pack {run} --output {{out}}/packed"))
    yield from training_cases(name, run, corpus, words)


def training_cases(name: str, run: str, corpus: str, words: str) -> Iterator[Case]:
    """Yield continued pretraining and what follows it, each in a private copy of the run."""
    adapt = f"adapt {{own}} --name t {corpus} --threads 1"
    after = (
        f"evaluate {{own}} {{own}}:t {corpus} --all-lines {words} --json",
        "explain {own} #1000 --json",
        "check {own} --json",
        "report {own} {out}/r.html",
        "export {own}:t {out}/model",
        "pack {own}:t --output {out}/packed",
        "project {own} --trained t --method pca",
        "attach {own} {out}/model --name again",
    )
    yield Case(f"adapt {name}", (f"{adapt} --steps 3 --length 32 --evaluations 2 --snapshots 2", *after), run=run)
    slow = "--tokens 1024 --batch-tokens 256 --train embeddings-first --first-share 0.5 --schedule cosine"
    other = "--mask-share 0.3 --warm-up-share 0.5 --clip 0.5 --weight-decay 0.1 --precision float32 --seed 7"
    copied = adapt.replace("{own}", run) + " --output {out}/copy"
    yield Case(f"adapt copy {name}", (f"{copied} {slow} {other}",))
    trained = "{own}/training/adapted/trained.safetensors"
    yield Case(f"attach {name}", (f"attach {{own}} {trained} --name t --tensor input",), run=run)


def init_cases(runs: list[str]) -> Iterator[Case]:
    """Yield initialisations from the sample corpora with small settings."""
    plain = f"init --source {SOURCE} --corpus {CORPORA}/sw.txt"
    # By the paper's preset, since an earlier version makes vectors by fastText alone and has no option to ask for it.
    small = "--preset paper --threads 1 --dim 24 --epochs 20 --min-count 2 --output {out}/run"
    unigram = "--train-tokenizer unigram --vocab-size 600"
    for method in METHODS:
        after = ("check {out}/run --json", "export {out}/run {out}/model")
        yield Case(f"init {method}", (f"{plain} {unigram} --method {method} {small}", *after))
    choices = {
        "extend": f"{unigram} --extend",
        "extend bpe": "--train-tokenizer bpe --vocab-size 600 --extend --method subword-mean",
        "bpe": "--train-tokenizer bpe --vocab-size 600",
        "wordpiece": "--train-tokenizer wordpiece --vocab-size 600",
        "fallback script": f"{unigram} --fallback script --min-count 6",
        "fallback pieces": f"{unigram} --fallback pieces --min-count 6",
        "fallback multivariate": f"{unigram} --fallback multivariate --covariance-scale 0.5 --min-count 6",
        "symbols": f"{unigram} --match symbols --map {USER_MAP} --top-k 5 --temperature 0.5 --no-examples --seed 7",
    }
    for name, options in choices.items():
        yield Case(f"init {name}", (f"{plain} {small} {options}",))
    yield Case("init paper", (f"{plain} {unigram} --preset paper --threads 1 --output {{out}}/run",))
    for language in ("ar", "de"):
        options = f"--corpus {CORPORA}/{language}.txt {unigram} --match fuzzy {small}"
        yield Case(f"init {language}", (f"init --source {SOURCE} {options}", "check {out}/run"))
    untied = f"init --source {UNTIED} --corpus {CORPORA}/sw.txt {unigram} {small}"
    yield Case("init untied", (untied, "explain {out}/run #300 --json", "export {out}/run {out}/model"))
    for run in runs[:1]:
        own = f"{DEMO}/runs/{run}"
        ready = f"--auxiliary {own}/auxiliary.safetensors --target-tokenizer {own}/target_tokenizer"
        yield Case("init ready vectors", (f"init --source {SOURCE} {ready} --output {{out}}/run",))
        file = (
            f"--source-embeddings {own}/embeddings.safetensors --tensor input --source-tokenizer {own}/target_tokenizer"
        )
        yield Case("init embeddings file", (f"init {file} --corpus {CORPORA}/ar.txt {unigram} {small}",))


def all_cases(before: Side, after: Side) -> list[Case]:
    """Return every comparison, over the runs that both sides have."""
    names = [sorted(p.name for p in (side.stage / DEMO / "runs").iterdir()) for side in (before, after)]
    runs = [name for name in names[0] if name in names[1]]
    cases = [Case(f"bundled {folder}", folder=f"assets/{folder}") for folder in ("corpora", "demo/source")]
    for number, name in enumerate(runs):
        tokens = tokens_to_explain(before.stage / DEMO / "runs" / name)
        cases += run_cases(name, tokens, first=number == 0)
    return [*cases, *init_cases(runs)]


def substitutions(before: Side, after: Side, case: Case, versions: tuple[str, str]) -> list[Substitution]:
    """Return the texts that differ for a reason: the package's version, and digests of manifests that are not equal."""
    found = [(*versions, "the version number of the package")]
    for top in (f"{DEMO}/runs", case.out):
        for path in sorted((before.stage / top).rglob("manifest.json")):
            other = after.stage / path.relative_to(before.stage)
            digests = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (path, other) if p.exists()]
            if len(set(digests)) == 2:
                found.append((digests[0], digests[1], "the digest of a manifest that differs, compared by itself"))
    return found


def compare_case(before: Side, after: Side, case: Case, versions: tuple[str, str]) -> tuple[str, list[str]]:
    """Run one comparison on both sides at once; return ``same``, ``expected`` or ``DIFFERENT``, and what to print."""
    with ThreadPoolExecutor(2) as pool:
        failures = [d for failed in pool.map(lambda side: side.perform(case), (before, after)) for d in failed]
    contents = [side.contents(case.folder or case.out) for side in (before, after)]
    if not any(contents):
        failures.append(Difference(f"{case.folder or case.out}: nothing to compare", "failed"))
    found = [replace(d, where=f"{case.name}/{d.where}") for d in [*failures, *compare_contents(*contents)]]
    migrated, known = migrated_files(found), substitutions(before, after, case, versions)
    reasons: dict[str, list[Difference]] = {}
    for difference in found:
        reasons.setdefault(expected_reason(difference, migrated=migrated, known=known), []).append(difference)
    wrong = reasons.pop("", [])
    lines = [f"  expected: {reason} ({len(ds)}, such as {ds[0]})" for reason, ds in reasons.items()]
    lines += [f"  DIFFERENT {difference}" for difference in wrong[:PRINTED]]
    lines += [f"  and {len(wrong) - PRINTED} more"] * (len(wrong) > PRINTED)
    return "DIFFERENT" if wrong else "expected" if reasons else "same", lines


def compare_all(before: Side, after: Side, only: list[str], *, keep: bool) -> int:
    """Run the comparisons, print a line for each and the sum; return the exit status."""
    versions = (before.version(), after.version())
    cases = [case for case in all_cases(before, after) if not only or any(name in case.name for name in only)]
    counts = dict.fromkeys(("same", "expected", "DIFFERENT"), 0)
    for case in cases:
        started = time.monotonic()
        verdict, lines = compare_case(before, after, case, versions)
        counts[verdict] += 1
        print(f"{verdict:<9} {time.monotonic() - started:6.1f} s  {case.name}", *lines, sep="\n", flush=True)
        for side in () if keep else (before, after):
            shutil.rmtree(side.stage / case.out)
    print(", ".join(f"{count} {verdict.lower()}" for verdict, count in counts.items()))
    return 1 if counts["DIFFERENT"] or not cases else 0


def checked_out(revision: str, repository: Path, folder: Path, stack: ExitStack) -> Path:
    """Check a revision out beside the others, until the end."""
    git = ["git", "-C", str(repository), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
    stack.callback(subprocess.run, [*git, "remove", "--force", str(folder)], check=True)
    return folder


def main() -> int:
    """Compare two checkouts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="folder of a checkout, or a revision of AFTER's repository")
    parser.add_argument("after", type=Path, help="folder of a checkout")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="a new folder in which all outputs stay")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="comparisons that have NAME in their name"
    )
    options = parser.parse_args()
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-versions-")))
        work = (options.keep or temporary / "work").resolve()
        work.mkdir(parents=True)
        before = Path(options.before).resolve()
        if not before.is_dir():
            before = checked_out(options.before, options.after, temporary / "checkout", stack)
        sides = (stage(before, work / "before"), stage(options.after.resolve(), work / "after"))
        return compare_all(*sides, options.only, keep=options.keep is not None)


if __name__ == "__main__":
    sys.exit(main())
