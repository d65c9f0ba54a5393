"""The site is built without a warning, is complete, and all that it refers to is in it."""

from __future__ import annotations

import inspect
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import wsproto_async
import wsproto_async.testing
from docs import api, site

REQUESTS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a browser fetches to show a page."""


class Page(HTMLParser):
    """The links and anchors of a page of the site, and what it takes to show it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.anchors.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if url := values.get(REQUESTS.get(tag, "")):
            self.fetched.append(url)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as ``make site`` builds it; any warning of the generator would raise."""
    folder = tmp_path_factory.mktemp("site")
    site.build(folder)
    return folder / "site"


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in folder.glob("**/*.html") if file.name != "404.html"}


def test_the_options_have_their_own_page() -> None:
    pages = site.pages()
    assert "### `max_connections` {#max_connections}" in pages["reference/options.md"]
    assert "[`max_connections`](options.md#max_connections)" in pages["reference/limits.md"]


def test_all_pages_are_there(folder: Path, pages: dict[Path, Page]) -> None:
    expected = {place.replace(".md", ".html") for place in site.pages()}
    assert {str(file.relative_to(folder)) for file in pages} == expected


def test_every_page_is_in_the_navigation() -> None:
    reached = {"index.md", *re.findall(r'"([^"]+\.md)"', site.navigation())}
    assert sorted(site.pages().keys() - reached) == [], "not in the list of docs/index.md"


def test_links_lead_to_pages_and_headings(folder: Path, pages: dict[Path, Page]) -> None:
    dead = []
    for file, page in pages.items():
        for link in page.links:
            path, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z]+:", path):
                continue
            target = (file.parent / path).resolve() if path else file
            known = pages[target].anchors if target in pages else set()
            if not target.exists() or (anchor and anchor not in known):
                dead.append(f"{file.relative_to(folder)}: {link}")
    assert dead == []


def test_nothing_is_fetched_from_elsewhere(folder: Path, pages: dict[Path, Page]) -> None:
    for file, page in pages.items():
        for url in page.fetched:
            assert not re.match(r"([a-z]+:)?//", url), f"{file.name} fetches {url}"
            assert (file.parent / url.partition("?")[0]).exists(), f"{file.name}: {url}"
        # The generator's script would fetch another one to draw these.
        assert 'class="mermaid"' not in file.read_text()
    for style in folder.glob("**/*.css"):
        assert not re.search(r"(url\(|@import )[\"']?(https?:)?//", style.read_text()), style


@pytest.mark.parametrize("title", api.FILES)
def test_the_reference_has_every_name(title: str) -> None:
    text = api.pages()[api.FILES[title]]
    names = api.names_of(title)
    assert names
    assert re.findall(r"^## (\w+) ", text, re.MULTILINE) == names


def test_the_reference_says_what_a_function_takes_and_raises() -> None:
    text = api.pages()["applications.md"]
    _, _, serve = text.partition("## serve {#serve}")
    serve = serve.partition("\n## ")[0]
    assert "    host: str | Sequence[str] | None = None,\n" in serve
    assert "- `port`: port to listen on; 0 takes a free one" in serve
    assert "- [`OptionError`](exceptions.md#OptionError): an argument has a bad value." in serve
    assert "### send {#WebSocket.send}" in text
    assert "- `GOING_AWAY` = 1001\n" in api.pages()["values.md"]


@pytest.mark.parametrize("name", sorted(api.INNER))
def test_what_the_reference_leaves_out_is_there(name: str) -> None:
    kind, _, member = name.partition(".")
    home = wsproto_async if hasattr(wsproto_async, kind) else wsproto_async.testing
    assert member in inspect.getsource(getattr(home, kind))


def test_the_close_diagram_is_a_table() -> None:
    row = "| OPEN | close | CLOSING | send close, expect reply |"
    assert row in site.pages()["architecture.md"]
