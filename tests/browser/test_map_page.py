"""The map in a real browser: linked hover, zoom that survives, lasso, brush, keys, saved pictures; hostile tokens."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest

from focus_core.runs.folder import open_run
from tests.toy_run import id_of

WAIT_MS = 60_000


@pytest.fixture(scope="session")
def trained(folder):
    """Return the trained toy, a demo run."""
    return open_run(folder / "demo" / "trained")


def open_map(visitor, **parameters):
    visitor.open("map", run="trained", **parameters)
    visitor.page.get_by_text("laid out together").wait_for(timeout=WAIT_MS)
    visitor.page.wait_for_function(f"() => {FIND}?.points", timeout=WAIT_MS)
    visitor.settle()


FIND = """[...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.stage')?.focusMap)
    .find((m) => m)"""


def stage(visitor):
    return visitor.page.locator(".focus-map .stage")


def ask(visitor, question, value=None):
    """Evaluate something about the map; ``m`` is the map, ``v`` the value."""
    return stage(visitor).evaluate(f"(s, v) => {{ const m = s.focusMap; return {question}; }}", value)


def place(visitor, target, pane):
    """Return where a token lies on the screen."""
    x, y = ask(visitor, "(({ x, y }) => [x, y])(m.placesOf(m.points.rowOf.get(v[0]))[v[1]])", [target, pane])
    box = stage(visitor).bounding_box()
    return box["x"] + x, box["y"] + y


def lonely(run):
    """Return the token that lies farthest from every other on the map: no other is under the mouse."""
    plane = run.embeddings()[:, :2]
    far = np.linalg.norm(plane[:, None] - plane[None], axis=2)
    np.fill_diagonal(far, np.inf)
    return int(far.min(axis=1).argmax())


def inked(visitor, target, pane):
    """Say whether something is drawn around a token on the layer that follows the mouse."""
    return ask(
        visitor,
        """(({ x, y }) => m.top.getContext('2d').getImageData((x - 12) * m.ratio, (y - 12) * m.ratio, 24 * m.ratio,
            24 * m.ratio).data.some((value) => value > 0))(m.placesOf(m.points.rowOf.get(v[0]))[v[1]])""",
        [target, pane],
    )


def lasso(visitor, middle, radius, *, steps=24):
    mouse, (x, y) = visitor.page.mouse, middle
    visitor.page.keyboard.down("Shift")
    mouse.move(x + radius, y)
    mouse.down()
    for step in range(1, steps + 1):
        angle = 2 * math.pi * step / steps
        mouse.move(x + radius * math.cos(angle), y + radius * math.sin(angle))
    mouse.up()
    visitor.page.keyboard.up("Shift")


def selected(visitor):
    return set(ask(visitor, "m.selected ? [...m.selected].map((row) => m.points.ids[row]) : []"))


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_a_token_under_the_mouse_is_shown_in_both_panes_and_a_click_chooses_it(user, trained, scheme):
    target = lonely(trained)
    visitor = user(scheme=scheme)
    open_map(visitor)
    for hovered, other in ((0, 1), (1, 0)):
        visitor.page.mouse.move(*place(visitor, target, hovered))
        card = visitor.page.locator(".focus-map .card")
        card.wait_for(timeout=WAIT_MS)
        assert f"#{target} ·" in card.inner_text()
        assert "neighbour overlap (Jaccard@10)" in card.inner_text()
        assert inked(visitor, target, hovered)
        assert inked(visitor, target, other)
    visitor.page.mouse.wheel(0, -300)
    visitor.page.wait_for_function(f"() => {FIND}.view.k > 1.3", timeout=WAIT_MS)
    view = ask(visitor, "m.view")
    visitor.page.mouse.click(*place(visitor, target, 1))
    visitor.page.locator(".st-key-map_card", has_text=f"#{target}").wait_for(timeout=WAIT_MS)
    assert f"token={target}" in visitor.page.url
    visitor.settle()
    assert "Nearest tokens after training" in visitor.page.locator(".st-key-map_card").inner_text()
    assert ask(visitor, "m.view") == view, "a click moves nothing"
    assert ask(visitor, "[m.data.near.id, ...m.data.near.members.map((ids) => ids.length)]") == [target, 10, 10]
    assert ask(visitor, "m.written.filter((name) => name.strong).map((name) => m.points.ids[name.row])") == [target] * 2
    ground = ask(visitor, "m.theme.groundRgb[0]")
    assert ground > 200 if scheme == "light" else ground < 60


def test_both_panes_move_together_and_a_double_click_shows_everything(user, trained):
    target = lonely(trained)
    visitor = user()
    open_map(visitor)
    x, y = place(visitor, target, 0)
    visitor.page.mouse.move(x, y)
    visitor.page.mouse.wheel(0, -500)
    visitor.page.wait_for_function(f"() => {FIND}.view.k > 1.6", timeout=WAIT_MS)
    assert place(visitor, target, 0) == pytest.approx((x, y), abs=1.5), "what is under the mouse stays there"
    before = [place(visitor, target, pane) for pane in (0, 1)]
    visitor.page.mouse.down()
    visitor.page.mouse.move(x + 30, y + 20)
    visitor.page.mouse.move(x + 60, y + 40)
    visitor.page.mouse.up()
    after = [place(visitor, target, pane) for pane in (0, 1)]
    moved = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(before, after, strict=True)]
    assert moved[0] == pytest.approx(moved[1], abs=0.01)
    assert moved[0] == pytest.approx((60, 40), abs=6)
    box = stage(visitor).bounding_box()
    visitor.page.mouse.dblclick(box["x"] + 12, box["y"] + box["height"] - 12)
    visitor.page.wait_for_function(f"() => Math.abs({FIND}.view.k - 1) < 1e-6", timeout=WAIT_MS)


def test_a_lasso_selects_in_both_panes_and_the_selection_is_saved(user, trained, tmp_path):
    target = lonely(trained)
    visitor = user()
    open_map(visitor)
    lasso(visitor, place(visitor, target, 1), 40)
    visitor.page.locator(".st-key-map_selection").wait_for(timeout=WAIT_MS)
    visitor.settle()
    chosen = selected(visitor)
    assert target in chosen
    assert f"{len(chosen)} tokens on this map" in visitor.page.locator(".st-key-map_selection").inner_text()
    assert "Common contributors" in visitor.page.locator(".st-key-map_selection").inner_text()
    faded = ask(visitor, "m.active[m.points.rowOf.get(v)]", next(iter(set(range(100)) - chosen)))
    assert faded == 0
    with visitor.page.expect_download() as download:
        visitor.page.locator(".st-key-_map_csv button").click()
    download.value.save_as(tmp_path / "selection.csv")
    lines = (tmp_path / "selection.csv").read_text("utf-8-sig").splitlines()
    assert {int(line.split(",")[0]) for line in lines[1:]} == chosen
    visitor.page.get_by_label("Save selection as").fill("mine")
    visitor.page.get_by_label("Save selection as").press("Tab")
    visitor.settle()
    visitor.page.locator(".st-key-_map_save button").click()
    visitor.page.locator(".st-key-map_saved").wait_for(timeout=WAIT_MS)
    visitor.settle()
    visitor.page.locator(".focus-map .chip").click()
    visitor.page.locator(".st-key-map_selection").wait_for(state="detached", timeout=WAIT_MS)
    visitor.settle()
    assert selected(visitor) == set()
    visitor.page.locator(".st-key-_map_again button").click()
    visitor.page.locator(".st-key-map_selection").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert selected(visitor) == chosen


def test_a_brush_fades_the_others_at_once_and_lists_its_own(user, trained):
    del trained
    visitor = user()
    open_map(visitor)
    bars = visitor.page.locator(".focus-map .bars")
    bars.scroll_into_view_if_needed()
    box = bars.bounding_box()
    mouse, y = visitor.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + 8, y)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.08, y)
    mouse.move(box["x"] + box["width"] * 0.12, y)
    shown = ask(visitor, "m.active.reduce((sum, on) => sum + on, 0)")
    assert 0 < shown < 135, "before the button is let go"
    mouse.up()
    visitor.page.locator(".st-key-map_selection", has_text=f"{shown} tokens on this map").wait_for(timeout=WAIT_MS)
    visitor.settle()
    table = visitor.page.locator('.st-key-map_selection [data-testid="stDataFrame"]')
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    mouse.click(box["x"] + 18, box["y"] + 35 + 18)
    visitor.page.locator(".st-key-map_card").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert f"token={ask(visitor, 'm.points.ids[m.chosen]')}" in visitor.page.url
    assert ask(visitor, "m.active[m.chosen]") == 1, "the chosen token is one of the table"
    bars.focus()
    visitor.page.keyboard.press("Escape")
    visitor.page.locator(".st-key-map_selection").wait_for(state="detached", timeout=WAIT_MS)
    assert ask(visitor, "m.active") is None


def test_a_brush_holds_whole_bars_and_both_ends(user, trained):
    del trained
    visitor = user()
    open_map(visitor)
    bars = visitor.page.locator(".focus-map .bars")
    bars.scroll_into_view_if_needed()
    box = bars.bounding_box()
    mouse, y = visitor.page.mouse, box["y"] + box["height"] / 2
    for start, end, at, wanted in ((12, 60, 0, 0), (box["width"] - 11, box["width"] - 60, 1, 1)):
        mouse.move(box["x"] + start, y)
        mouse.down()
        mouse.move(box["x"] + (start + end) / 2, y)
        mouse.move(box["x"] + end, y)
        brush = ask(visitor, "m.brush")
        edges = ask(visitor, "m.histogram.bars.edges.map((v) => Math.min(1, v))")
        counts = ask(visitor, "[...m.histogram.bars.counts]")
        shown = ask(visitor, "m.active.reduce((sum, on) => sum + on, 0)")
        mouse.up()
        assert brush[at] == wanted
        assert set(brush) <= set(edges)
        low, high = edges.index(brush[0]), edges.index(brush[1])
        assert high > low
        assert shown == sum(counts[low:high]), "whole bars, neither more nor less"
        visitor.page.locator(".st-key-map_selection", has_text=f"{shown} tokens on this map").wait_for(timeout=WAIT_MS)
        visitor.settle()


def test_nothing_shows_through_the_title_of_a_pane(user, trained):
    del trained
    visitor = user()
    open_map(visitor)
    panel = ask(visitor, "m.theme.panelRgb")
    for pane in (0, 1):
        plate = ask(
            visitor,
            """(() => { const [ctx, p] = [m.names.getContext('2d'), m.panes[v]];
                return [...ctx.getImageData((p.x + 6) * m.ratio, (p.y + 14) * m.ratio, 1, 1).data]; })()""",
            pane,
        )
        assert plate[3] > 220
        assert plate[:3] == pytest.approx(panel, abs=3)


@pytest.mark.parametrize(("width", "beside"), [(1440, True), (900, False)])
def test_the_table_of_a_selection_stands_beside_what_feeds_it_where_there_is_room(user, trained, width, beside):
    del trained
    visitor = user(width=width)
    open_map(visitor)
    ask(visitor, "m.select(v, true)", list(range(135)))
    panel = visitor.page.locator(".st-key-map_selection")
    panel.locator('[data-testid="stPageLink"]').first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    table = panel.locator('[data-testid="stDataFrame"]').bounding_box()
    names = panel.get_by_text("Common contributors of the selection").bounding_box()
    whole = panel.bounding_box()
    assert (names["x"] >= table["x"] + table["width"]) == beside
    right = names["x"] + 340 if beside else table["x"] + table["width"]
    assert right > whole["x"] + whole["width"] - 60, "the full width is used"
    main = visitor.page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1


def test_keys_alone_find_choose_select_and_clear(user, trained):
    target = id_of(trained, "▁mkulima")
    visitor = user(width=900)
    open_map(visitor)
    visitor.page.get_by_label("Mark tokens").focus()
    visitor.page.keyboard.type("mkuli")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_text("1 marked").wait_for(timeout=WAIT_MS)
    visitor.settle()
    visitor.page.locator(".st-key-map_hits button").first.click()
    visitor.page.locator(".st-key-map_card").wait_for(timeout=WAIT_MS)
    assert f"token={target}" in visitor.page.url
    visitor.page.wait_for_function(f"() => {FIND}.view.k > 1", timeout=WAIT_MS)  # it was flown to
    visitor.settle()
    top = visitor.page.locator(".focus-map .top")
    assert "Map of 135 tokens by UMAP" in top.get_attribute("aria-label")
    top.focus()
    visitor.page.keyboard.press("0")
    visitor.page.wait_for_function(f"() => Math.abs({FIND}.view.k - 1) < 1e-6", timeout=WAIT_MS)
    focused = -1
    for key in ("ArrowLeft", "ArrowDown", "ArrowUp"):
        visitor.page.keyboard.press(key)
        focused = ask(visitor, "m.focused >= 0 ? m.points.ids[m.focused] : -1")
    assert focused not in (-1, target)
    assert f"#{focused} ·" in visitor.page.locator(".focus-map .live").inner_text()
    visitor.page.keyboard.press("Space")
    visitor.page.locator(".st-key-map_selection", has_text="1 tokens on this map").wait_for(timeout=WAIT_MS)
    visitor.settle()
    top.focus()
    visitor.page.keyboard.press("Escape")
    visitor.page.locator(".st-key-map_selection").wait_for(state="detached", timeout=WAIT_MS)
    main = visitor.page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1


def test_an_overlay_draws_the_way_of_tokens_that_lost_their_neighbours(user, trained):
    visitor = user(scheme="dark")
    open_map(visitor, token=lonely(trained))
    visitor.page.get_by_role("button", name="Members: one over the other").click()
    assert ask(visitor, "m.panes.length") == 1
    slider = visitor.page.get_by_label("Trails of tokens whose neighbour overlap")
    slider.fill("100")
    assert ask(visitor, "m.trails(m.panes[0]).length") == 135
    slider.fill("0")
    kept = ask(visitor, "[...m.points.kept].filter((kept) => kept < 0.003).length")
    assert ask(visitor, "m.trails(m.panes[0]).length") == kept < 135
    words = visitor.page.locator(".focus-map .trails")
    assert words.inner_text().endswith(f": {kept}")
    ask(visitor, "m.brushTo([0.9, 1], true)")
    assert ask(visitor, "m.trails(m.panes[0]).length") == 0
    assert words.inner_text().endswith(f"0 of {kept}; the range below hides the others")
    ask(visitor, "m.brushTo(null, true)")
    assert words.inner_text().endswith(f": {kept}")
    visitor.settle()
    visitor.page.get_by_role("button", name="Colour: neighbour overlap").click()
    assert "0 all neighbours exchanged" in visitor.page.locator(".focus-map .legend").inner_text()
    visitor.page.get_by_role("button", name="Zoom in").click()
    visitor.page.wait_for_function(f"() => {FIND}.view.k > 1.5", timeout=WAIT_MS)
    for name in ("Overlap", "Map"):
        visitor.page.get_by_role("link", name=name, exact=True).first.click()
        visitor.page.get_by_role("heading", name=name, exact=True).wait_for(timeout=WAIT_MS)
        visitor.settle()
    visitor.page.wait_for_function(f"() => {FIND}?.points", timeout=WAIT_MS)
    look = ask(visitor, "[m.look.view, m.look.color, m.look.threshold, m.view.k > 1.5]")
    assert look == ["overlay", "kept", 0, True], "what was seen outlives a visit to another page"


def test_pictures_hold_what_is_seen_with_every_name_as_text(user, trained, tmp_path):
    bold = id_of(trained, "<b>bold</b>")
    visitor = user()
    open_map(visitor, token=bold)
    for name in ("PNG", "SVG"):
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("button", name=f"Save the picture as {name}").click()
        assert download.value.suggested_filename.endswith(f".{name.lower()}")
        download.value.save_as(tmp_path / name)
    assert (tmp_path / "PNG").read_bytes().startswith(b"\x89PNG")
    root = ElementTree.parse(tmp_path / "SVG").getroot()
    svg = "{http://www.w3.org/2000/svg}"
    assert {e.tag.removeprefix(svg) for e in root.iter()} <= {"svg", "title", "rect", "clipPath", "g", "circle", "text"}
    assert len(list(root.iter(f"{svg}circle"))) == 2 * 135
    written = [e.text for e in root.iter(f"{svg}text")]
    assert written.count("<b>bold</b>") == 2
    assert any("Both states were laid out together" in " ".join(written[i : i + 3]) for i in range(len(written)))


def test_axes_by_formula_are_drawn_with_their_names(user, trained):
    visitor = user(width=900)
    open_map(visitor)
    visitor.page.get_by_role("combobox", name="Layout").click()
    visitor.page.get_by_role("option", name="Cosine to two tokens").click()
    visitor.page.get_by_text("nothing was projected").wait_for(timeout=WAIT_MS)
    visitor.settle()
    box = visitor.page.get_by_role("searchbox", name="x: cosine to")
    box.fill("mkulima")
    box.press("Enter")
    visitor.page.wait_for_function(f"() => {FIND}.points?.axes?.[0] === 'cosine to ▁mkulima'", timeout=WAIT_MS)
    target = id_of(trained, "▁mkulima")
    visitor.settle()
    assert ask(visitor, "m.axisFacts(m.points.rowOf.get(v))[0]", target).startswith("Initialised: 1.00 |")


def test_hostile_tokens_do_nothing_on_the_map(user, trained):
    """Each is hovered, so that its card and its name are drawn: no request leaves, no script runs (see the fixture)."""
    visitor = user()
    open_map(visitor)
    for row in range(135):
        tags = ask(
            visitor,
            """(() => { m.hover(v, { ...m.placesOf(v)[0] });
                return [...m.card.root.querySelectorAll('*')].map((e) => e.tagName).filter((t) => t !== 'DIV'); })()""",
            row,
        )
        assert tags == []
    texts = trained.column("tokens", "text")
    signs = ("](", "<script", "<img", "<a ", "$$", "www", ":material")
    hostile = [i for i, text in enumerate(texts) if any(sign in text for sign in signs)]
    assert len(hostile) >= 7
    for target in hostile[:3]:
        open_map(visitor, token=target)
        card = visitor.page.locator(".st-key-map_card", has_text=f"#{target}")
        card.wait_for(timeout=WAIT_MS)
        assert card.locator("img, script").count() == 0
    ask(visitor, "m.select(v, true)", list(range(135)))
    visitor.page.locator(".st-key-map_selection", has_text="135 tokens").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert visitor.page.locator('[data-testid="stMain"]').locator("script, img[src^='http']").count() == 0
