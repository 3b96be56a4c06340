"""Draw the rooms of the code as docs/rooms.svg: floors of modules, and a dot for every import between two floors.

Everything is read from the code: the floors from the layers of pyproject.toml, the modules from the folders, the dots
from the imports. ``python scripts/draw_rooms.py`` writes the file; a test holds that it is what the code says.
"""

from __future__ import annotations

import re
import sys
import textwrap
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
DRAWING = ROOT / "docs" / "rooms.svg"
PACKAGES = ("pages", "focus_ui", "focus_core")
LINE_PX, LEFT_PX, TEXT_PX, DOT_PX, GAP_PX, LETTERS = 15, 14, 640, 19, 7, 104
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #101620 } .room { font-weight: 600 } .small { fill: #5f6672 }
  rect { fill: #f4f6fa; stroke: #d8dee8 } rect.app { fill: #e8f1fb } .dot { fill: #1c5fd0 } .self { fill: #b4bac6 }
  line { stroke: #d8dee8 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6eaf2 } .small { fill: #b4bac6 } rect { fill: #1b2130; stroke: #323c4e } rect.app { fill: #1a2c44 }
    .dot { fill: #8fb4ff } .self { fill: #5f6672 } line { stroke: #323c4e }
  }
"""


@dataclass(frozen=True, kw_only=True)
class Floor:
    """One room, or the files at the top of the library: its name, what lies in it, whom it imports."""

    name: str
    modules: frozenset[str]
    contents: str

    @property
    def lines(self) -> list[str]:
        """Return what lies in it, as lines; a room that is one module has none."""
        return textwrap.wrap(self.contents, LETTERS)

    @property
    def height(self) -> int:
        """Return the height of its box in pixels."""
        return LINE_PX * (len(self.lines) + 1) + 8


def drawing() -> str:
    """Return the SVG."""
    sys.path.insert(0, str(ROOT))
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    floors = _floors(graph)
    tops, y = [], 30 + 11 * max(len(floor.name) for floor in floors) // 2
    for floor in floors:
        tops.append(y)
        y += floor.height + GAP_PX
    width = LEFT_PX * 2 + TEXT_PX + DOT_PX * len(floors) + 30
    parts = [_room(floor, top) for floor, top in zip(floors, tops, strict=True)]
    parts += [_dots(graph, floors, index, top) for index, top in enumerate(tops)]
    parts += [_column(index, floor.name, tops[0]) for index, floor in enumerate(floors)]
    title = "The rooms of the code, and which imports which"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 8}" width="{width}" height="{y + 8}" '
        f'role="img" aria-label="{title}">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _floors(graph: grimp.ImportGraph) -> list[Floor]:
    """Return the floors from the top: what imports most comes first."""
    pages = sorted(graph.find_children("pages"))
    floors = [_floor(graph, "pages", pages)]
    floors += [_floor(graph, f"focus_ui.{name}", []) for name in _layers("ui-layers")]
    floors += [_floor(graph, f"focus_core.{name}", []) for name in _layers("core-layers")]
    return [floor for floor in floors if floor.modules]


def _layers(contract: str) -> list[str]:
    """Return the rooms that a contract names, from the top."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [c["layers"] for c in listed if c["id"] == contract]
    return [name for layer in layers for name in re.findall(r"[a-z_]+", layer)]


def _floor(graph: grimp.ImportGraph, room: str, rooms_of_pages: list[str]) -> Floor:
    if room not in graph.modules:
        return Floor(name=room, modules=frozenset(), contents="")
    inside = sorted(graph.find_descendants(room))
    shown = rooms_of_pages or [m for m in inside if not graph.find_children(m)]
    groups: dict[str, list[str]] = {}
    for module in shown:
        inner, _, name = module.removeprefix(f"{room}.").rpartition(".")
        groups.setdefault(inner, []).append(name)
    contents = " · ".join(
        f"{inner}: {', '.join(names)}" if inner else ", ".join(names) for inner, names in groups.items()
    )
    return Floor(name=room.replace("focus_core.", ""), modules=frozenset([room, *inside]), contents=contents)


def _room(floor: Floor, top: int) -> str:
    kind = ' class="app"' if floor.name.startswith(("pages", "focus_ui")) else ""
    lines = [f'<text class="room" x="{LEFT_PX + 8}" y="{top + LINE_PX}">{escape(floor.name)}</text>']
    lines += [
        f'<text class="small" x="{LEFT_PX + 8}" y="{top + LINE_PX * (2 + i)}">{escape(line)}</text>'
        for i, line in enumerate(floor.lines)
    ]
    box = f'<rect{kind} x="{LEFT_PX}" y="{top}" width="{TEXT_PX}" height="{floor.height}" rx="5"/>'
    return "\n".join([box, *lines])


def _dots(graph: grimp.ImportGraph, floors: list[Floor], index: int, top: int) -> str:
    """Return the dots of one floor: whom it imports, and a pale one for itself."""
    floor, y = floors[index], top + floors[index].height // 2
    imported = {d for m in floor.modules for d in graph.find_modules_directly_imported_by(m)}
    marks = [f'<line x1="{LEFT_PX + TEXT_PX}" x2="{_x(len(floors) - 1)}" y1="{y}" y2="{y}"/>']
    for place, other in enumerate(floors):
        if place == index:
            marks.append(f'<circle class="self" cx="{_x(place)}" cy="{y}" r="3"/>')
        elif imported & other.modules:
            said = f"<title>{escape(floor.name)} imports {escape(other.name)}</title>"
            marks.append(f'<circle class="dot" cx="{_x(place)}" cy="{y}" r="5">{said}</circle>')
    return "\n".join(marks)


def _x(place: int) -> int:
    return LEFT_PX + TEXT_PX + 22 + DOT_PX * place


def _column(place: int, name: str, top: int) -> str:
    x, y = _x(place) + 4, top - 8
    return f'<text class="small" x="{x}" y="{y}" transform="rotate(-60 {x} {y})">{escape(name)}</text>'


if __name__ == "__main__":
    DRAWING.write_text(drawing(), encoding="utf-8")
