"""Compare auxiliary spaces: ``python -m scripts.auxiliary_space screen|little|confirm|table``.

``screen`` changes one setting of the default at a time, on two languages; ``little`` measures what may serve little
text; ``confirm`` measures the best of them on six languages and several sizes of text, at once and after training.
All of them go on where they were stopped. ``table`` writes what was measured into the documents, and says whether it
holds what is claimed.
"""

from __future__ import annotations

import os
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import typer  # noqa: E402 (threads are chosen before anything that starts them is imported)

app = typer.Typer(add_completion=False, no_args_is_help=True)
DATA = typer.Option(..., help="folder with corpora/<language>/*.txt")
WORK = typer.Option(Path("build/auxiliary_space"), help="where texts, tokenizers and measurements are kept")


@app.command()
def screen(data: Path = DATA, work: Path = WORK) -> None:
    """Measure every variant on two languages."""
    from scripts.auxiliary_space.plan import screening
    from scripts.auxiliary_space.work import measure

    measure(screening(data), data, work)
    _keep("screen", work, screening(data))


@app.command()
def little(data: Path = DATA, work: Path = WORK) -> None:
    """Measure windows and n-grams on little text, in two languages that choose and two that confirm."""
    from scripts.auxiliary_space.plan import on_little_text
    from scripts.auxiliary_space.work import measure

    measure(on_little_text(data), data, work)
    _keep("little", work, on_little_text(data))


@app.command()
def confirm(data: Path = DATA, work: Path = WORK) -> None:
    """Measure the default and fastText on six languages, at once and after training, and say what holds."""
    from scripts.auxiliary_space.plan import confirming
    from scripts.auxiliary_space.work import measure

    measure(confirming(data), data, work)
    _keep("confirm", work, confirming(data))
    table()


@app.command()
def rate(data: Path = DATA, work: Path = WORK) -> None:
    """Measure learning rates for fastText's rows on the language that they are chosen by."""
    from scripts.auxiliary_space.work import measure_rates

    for given, bits in measure_rates(data, work).items():
        print(f"{given:g}: {bits:.4f} bits per character")


@app.command()
def table() -> None:
    """Write the committed measurements into the documents, and print the claims and whether they hold."""
    from scripts.auxiliary_space.table import claims, load_results, write_tables

    write_tables(load_results())
    print("\n".join(claims(load_results())))


def _keep(name: str, work: Path, points: list) -> None:
    from scripts.auxiliary_space.results import Results, summarise
    from scripts.auxiliary_space.table import keep_results

    keep_results(name, summarise(Results(work), points))


if __name__ == "__main__":
    app()
