"""Run the app and drive it in a real Chromium: what the browser tests and the screenshots share."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parent.parent
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def find_chromium() -> str | None:
    """Return the path of a Chromium on this machine, or ``None``."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@contextlib.contextmanager
def serve(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run the app on a free port of this machine until the block ends.

    Parameters
    ----------
    folder : Path
        Receives the server's log.
    environment : mapping of str to str, default=None
        Variables to add.

    Yields
    ------
    str
        The app's address.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    log = folder / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=stream, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the app did not start:\n{log.read_text(errors='replace')[-3000:]}")


@dataclass(kw_only=True)
class Visitor:
    """One user's browser: a page of its own context, and everything that went wrong in it.

    Parameters
    ----------
    page : playwright.sync_api.Page
        The page.
    address : str
        The app's address.
    errors : list of str
        Errors of the page, and requests that left this machine.
    """

    page: Any
    address: str
    errors: list[str]

    def open(self, name: str = "", **parameters: object) -> None:
        """Open a page of the app and wait until it is drawn."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        self.page.goto(f"{self.address}/{name}{query}")
        self.settle()

    def settle(self) -> None:
        """Wait until the script has run and every chart is drawn."""
        self.page.wait_for_selector(IDLE, timeout=60_000)
        self.page.wait_for_timeout(150)
        self.page.wait_for_selector(IDLE, timeout=60_000)
        self.page.wait_for_function("() => !document.querySelector('[data-testid=\"stSkeleton\"]')", timeout=60_000)

    def shoot(self, path: Path) -> None:
        """Write what is on the screen to a PNG file; a map of many points takes a moment to be drawn."""
        self.page.wait_for_timeout(1500)
        self.page.screenshot(path=str(path))


@contextlib.contextmanager
def visit(
    browser: Any, address: str, *, scheme: str = "light", width: int = 1600, height: int = 1100
) -> Iterator[Visitor]:
    """Open a browser context of its own, as one user, in light or dark.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
        A running browser.
    address : str
        The app's address.
    scheme : {"light", "dark"}, default="light"
        What the user's system prefers.
    width, height : int
        Size of the window in pixels.

    Yields
    ------
    Visitor
        The user.
    """
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, accept_downloads=True
    )
    context.set_default_timeout(60_000)
    visitor = Visitor(page=context.new_page(), address=address, errors=[])
    visitor.page.on("pageerror", lambda error: visitor.errors.append(f"page error: {error}"))
    visitor.page.on("request", lambda request: _note_request(visitor, request.url))
    try:
        yield visitor
    finally:
        context.close()


def _note_request(visitor: Visitor, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1":
        visitor.errors.append(f"request left this machine: {url}")


@contextlib.contextmanager
def launch(chromium: str) -> Iterator[Any]:
    """Start Chromium without a window.

    Parameters
    ----------
    chromium : str
        Its path.

    Yields
    ------
    playwright.sync_api.Browser
        The browser.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
