"""The demo's page in a real browser: two windows chat and see round-trip times."""

from __future__ import annotations

import json
import signal

import pytest

from .browser import CHROMIUM, Window, chromium
from .demo import serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


async def say(window: Window, name: str, text: str) -> None:
    """Fill in the form as a person does, and send it."""
    await window.evaluate(
        f"document.getElementById('name').value = {json.dumps(name)}; "
        f"document.getElementById('text').value = {json.dumps(text)}; "
        "document.getElementById('form').requestSubmit()"
    )


async def hears(window: Window, line: str) -> None:
    await window.until(f"document.getElementById('log').innerText.includes({json.dumps(line)})")


async def test_two_windows_chat_and_see_round_trips_and_the_end() -> None:
    async with serving() as (process, place), chromium() as browser:
        windows = [await browser.open(f"http://{place}/") for _ in range(2)]
        ann, bob = windows
        for window in windows:
            await window.until(
                "document.getElementById('state')?.innerText.startsWith('Connected')"
            )
            trip = await window.until(
                "/^[0-9.]+ ms$/.exec(document.getElementById('now').innerText)?.[0]"
            )
            assert 0 < float(trip.removesuffix(" ms")) < 10_000
        await say(ann, "Ann", "Anybody there? ½ ≠ ⅓")
        await hears(bob, "Ann:Anybody there? ½ ≠ ⅓")
        await say(bob, "Bob", "<b>Yes</b> 🐸")
        await hears(ann, "Bob:<b>Yes</b> 🐸")

        process.send_signal(signal.SIGINT)
        for window in windows:
            await window.until(
                "document.getElementById('state').innerText.startsWith('Closed (1001')"
            )
        assert await process.wait() == 0
