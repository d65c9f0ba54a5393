"""Draws the closing table as a diagram.

``python -m tests.core.draw_closing`` prints it; with a file as argument, it goes in there between
the marks.
"""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path

from wsproto_async.core.closing import TABLE

BEGIN, END = "<!-- closing:begin -->\n", "<!-- closing:end -->"


def say(member: Enum) -> str:
    return member.name.lower().replace("_", " ")


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["```mermaid", "stateDiagram-v2"]
    for (state, event), (after, effects) in TABLE.items():
        what = ", ".join(map(say, effects))
        lines.append(f"    {state.name} --> {after.name}: {say(event)} / {what}")
    return "\n".join([*lines, "```", ""])


def drawn_in(page: str) -> str:
    """What a page has between the marks."""
    return page.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    if len(sys.argv) < 2:
        print(diagram(), end="")
        return
    path = Path(sys.argv[1])
    page = path.read_text(encoding="utf-8")
    path.write_text(page.replace(BEGIN + drawn_in(page), BEGIN + diagram()), encoding="utf-8")


if __name__ == "__main__":
    main()
