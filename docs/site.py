"""Builds the site, in build/site: python -m docs.site

The pages are those of docs/ and of the top folder, so that they read well in the repository, too.
For the site they are gathered in build/pages, with what only the site has: the examples, and the
reference that docs/api.py reads off the docstrings. The navigation is the list in docs/index.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from docs import api, generate

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
BUILD: Final = ROOT / "build"

FENCED: Final = re.compile(r"^[ \t]*```.*?^[ \t]*```$", re.MULTILINE | re.DOTALL)
COMMENT: Final = re.compile(r"^<!--.*?-->\n+", re.MULTILINE | re.DOTALL)
DIAGRAM: Final = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING: Final = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK: Final = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


# --- Markdown ---------------------------------------------------------------------------------


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Change a page, but not the code in it."""
    code = FENCED.findall(text)
    parts = [change(part) for part in FENCED.split(text)]
    return parts[0] + "".join(a + b for a, b in zip(code, parts[1:], strict=True))


def anchors(text: str) -> Iterator[str]:
    """The names of the headings of a page, as GitHub gives them: the site uses the same."""
    found: set[str] = set()
    for heading in HEADING.finditer(FENCED.sub("", text)):
        words = LINK.sub(r"\1", heading[2]).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = sum(1 for known in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", known))
        slug = f"{slug}-{again}" if again else slug
        found.add(slug)
        yield slug


def with_anchors(text: str) -> str:
    names = anchors(text)
    return outside_code(
        text, lambda part: HEADING.sub(lambda h: f"{h[0]} {{#{next(names)}}}", part)
    )


def as_table(diagram: re.Match[str]) -> str:
    """A state diagram as a table: drawing it takes a script that would have to be loaded."""
    rows = re.findall(r"(\w+) --> (\w+): (.+?) / (.+)", diagram[1])
    head = "| from | event | to | effects |\n| --- | --- | --- | --- |"
    return "\n".join([head, *(f"| {a} | {event} | {b} | {what} |" for a, b, event, what in rows)])


# --- the pages --------------------------------------------------------------------------------


def place_of(file: Path) -> str | None:
    """Where in the site a file of the repository is, or None."""
    name = str(file.relative_to(ROOT))
    if file.parent == ROOT and file.suffix == ".md":
        return "index.md" if name == "README.md" else name.lower().replace("_", "-")
    if file.is_relative_to(DOCS) and file.suffix in (".md", ".svg"):
        return str(file.relative_to(DOCS)).replace("README.md", "index.md")
    if file.is_relative_to(ROOT / "examples"):
        return f"examples.md#{next(anchors(f'# {name}'))}" if file.is_file() else "examples.md"
    return None


def gathered(file: Path, place: str) -> str:
    """A page as the site has it: links lead to the site's own places."""

    def moved(link: re.Match[str]) -> str:
        words, target = link.groups()
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or not path:
            return link[0]
        to = place_of((file.parent / path).resolve())
        if to is None:
            return words
        to = os.path.relpath(to, Path(place).parent) + (f"#{anchor}" if anchor else "")
        return f"[{words}]({to})"

    text = COMMENT.sub("", DIAGRAM.sub(as_table, file.read_text()))
    return with_anchors(outside_code(text, lambda part: LINK.sub(moved, part)))


def examples() -> str:
    """All example programs on a page."""
    page = "# Examples\n\nSmall programs, one idea each.\n\n"
    for file in sorted((ROOT / "examples").glob("**/*.py")):
        if "__" not in file.name:
            name = file.relative_to(ROOT)
            page += f"## {name}\n\n```python\n{file.read_text()}```\n\n"
    return with_anchors(page)


def pages() -> dict[str, str]:
    """All pages of the site, by their places."""
    found = {}
    for file in (*ROOT.glob("*.md"), *DOCS.glob("**/*.md")):  # so that docs/index.md is the last
        place = place_of(file)
        assert place is not None
        found[place] = gathered(file, place)
    names = generate.names_reference(api.link)
    return {
        **found,
        "examples.md": examples(),
        "reference/names.md": with_anchors(COMMENT.sub("", names)),
        **{f"reference/api/{name}": text for name, text in api.pages().items()},
    }


# --- the navigation ---------------------------------------------------------------------------


def navigation() -> str:
    """The list in docs/index.md, as the generator wants to have it."""
    sections = ['{ "Home" = "index.md" }']
    for part in re.split(r"^## ", (DOCS / "index.md").read_text(), flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        entries = []
        for words, target in re.findall(r"^- \[(.+?)\]\((.+?)\)", text, re.MULTILINE):
            place = place_of((DOCS / target).resolve())
            below = inner_navigation(place or "")
            if place and below:
                entries.append(f'{{ "{words}" = ["{place}", {", ".join(below)}] }}')
            elif place:
                entries.append(f'{{ "{words}" = "{place}" }}')
        if entries:
            sections.append(f'{{ "{title}" = [{", ".join(entries)}] }}')
    return "nav = [\n  " + ",\n  ".join(sections) + ",\n]\n"


def inner_navigation(place: str) -> list[str]:
    """What is below a page in the navigation."""
    if place == "decisions/index.md":
        listed = (DOCS / "decisions/README.md").read_text()
        found = re.findall(r"^\d+\. \[(.+?)\]\((.+?)\)$", listed, re.MULTILINE)
        return [f'{{ "{title}" = "decisions/{file}" }}' for title, file in found]
    if place == "reference/names.md":
        return [f'{{ "{title}" = "reference/api/{file}" }}' for title, file in api.FILES.items()]
    return []


def build(folder: Path = BUILD) -> str:
    """Build the site in ``folder``/site, and return what the generator said.

    Raises:
        CalledProcessError: the generator found something wrong; a warning is enough.
    """
    for name in ("pages", "site"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for place, text in pages().items():
        file = folder / "pages" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for picture in DOCS.glob("**/*.svg"):
        shutil.copy(picture, folder / "pages" / picture.relative_to(DOCS))
    config = (DOCS / "zensical.toml").read_text()
    file = folder / "zensical.toml"
    file.write_text(config.replace("[project]\n", f"[project]\n{navigation()}", 1))
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    try:
        return subprocess.run(
            [*command, "--config-file", str(file)],
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1"},
            check=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ).stdout
    except subprocess.CalledProcessError as error:
        error.add_note(error.output.partition("Traceback")[0])
        raise


if __name__ == "__main__":
    print(build())
    print(f"{BUILD / 'site' / 'index.html'} is the first page")
