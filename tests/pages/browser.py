"""A browser for tests: the system's Chromium, nothing fetched from elsewhere, axe to judge pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal
from urllib.parse import urlsplit

import html5lib
import pytest
from playwright.sync_api import Browser, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Scheme = Literal["light", "dark"]


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium; a test without one is skipped with this line."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium here: page tests need one (apt-get install chromium)")
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)


@dataclass(kw_only=True)
class Tab:
    """One page in one way of looking at it, and all that it asked for or complained about."""

    page: Page
    width: int
    asked: list[str] = field(default_factory=list)
    complained: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        self.asked.clear()
        self.complained.clear()
        self.page.goto(url)


@contextmanager
def tab(
    browser: Browser,
    *,
    scheme: Scheme = "light",
    width: int = 1280,
    script: bool = True,
    forced: bool = False,
) -> Iterator[Tab]:
    """A fresh window; scripts are on only so that axe can look at the page."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        java_script_enabled=script,
        forced_colors="active" if forced else "none",
        reduced_motion="reduce",
    )
    page = context.new_page()
    opened = Tab(page=page, width=width)
    page.on("request", lambda request: opened.asked.append(request.url))
    page.on("console", lambda message: opened.complained.append(message.text))
    try:
        yield opened
    finally:
        context.close()


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is now, one line a rule."""
    page.evaluate(_axe())
    result = page.evaluate(
        "rules => axe.run(document, {resultTypes: ['violations'], "
        "runOnly: {type: 'tag', values: rules}})",
        RULES,
    )
    return [
        f"{found['id']}: {found['help']}: {found['nodes'][0]['html'][:160]}"
        for found in result["violations"]
    ]


def is_too_wide(page: Page) -> bool:
    """Whether the page has to be scrolled sideways."""
    return bool(
        page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )


def strangers(opened: Tab, host: str) -> list[str]:
    """Requests to anybody but our own server, and more than the page, its style and its icon."""
    foreign = [url for url in opened.asked if urlsplit(url).netloc != host]
    needed = {urlsplit(url).path for url in opened.asked}
    return foreign or ([] if len(needed) <= 3 else sorted(needed))


def html_faults(text: str) -> list[str]:
    """What the HTML standard's parser stumbles over, and names that occur twice."""
    parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
    tree = parser.parse(text)
    names = [element.get("id") for element in tree.iter() if element.get("id")]
    twice = sorted({f"two elements are called {name}" for name in names if names.count(name) > 1})
    return [f"{place}: {code}" for place, code, _ in parser.errors] + twice
