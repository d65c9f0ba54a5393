from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from typing import Any

import pytest

from wsproto_async.observable import ObservableMixin, running


class Bell(ObservableMixin):
    def __init__(self) -> None:
        raise AssertionError("not needed")


@pytest.fixture
def bell() -> Bell:
    return Bell.__new__(Bell)


class Heard(list[Any]):
    def __call__(self, *args: Any, **kwargs: Any) -> int:
        self.append((args, kwargs))
        return len(self)


async def test_handlers_are_called_in_order(bell: Bell) -> None:
    heard: list[str] = []
    bell.on("ring", lambda: heard.append("a"))
    bell.on("ring", lambda: heard.append("b"))
    bell.on("other", lambda: heard.append("c"))
    bell.on("ring", lambda: heard.append("d"))
    await bell.fire("ring")
    assert heard == ["a", "b", "d"]


async def test_results_are_there_at_once_where_handlers_are_plain(bell: Bell) -> None:
    handler = Heard()
    bell.on("ring", handler)
    bell.on("ring", handler)
    fired = bell.fire("ring", b"x", is_binary=True)
    assert fired.done()
    assert fired.result() == [1, 2]
    assert handler == [((b"x",), {"is_binary": True})] * 2


async def test_nobody_listens(bell: Bell) -> None:
    fired = bell.fire("ring")
    assert fired.done()
    assert fired.result() == []
    assert vars(bell) == {}


def test_nothing_but_fire_needs_a_loop(bell: Bell) -> None:
    bell.set_valid_events(["ring"])
    bell.on("ring", print)
    bell.off("ring", print)
    with pytest.raises(RuntimeError, match="loop"):
        bell.fire("ring")


def test_a_loop_may_be_given() -> None:
    loop = asyncio.new_event_loop()

    class WithLoop(ObservableMixin):
        def _get_loop(self) -> asyncio.AbstractEventLoop:
            return loop

    async def handler() -> int:
        return 2

    bell = WithLoop()
    bell.on("ring", lambda: 1)
    bell.on("ring", handler)
    try:
        assert loop.run_until_complete(bell.fire("ring")) == [1, 2]
    finally:
        loop.close()


async def test_coroutine_handlers_become_tasks(bell: Bell) -> None:
    gate = asyncio.Event()

    async def handler(what: str) -> str:
        await gate.wait()
        return what

    bell.on("ring", handler)
    bell.on("ring", str.upper)
    fired = bell.fire("ring", "a")
    assert not fired.done()
    gate.set()
    assert await fired == ["a", "A"]
    assert running == set()


async def test_a_handler_may_return_a_future(bell: Bell) -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    bell.on("ring", lambda: future)
    fired = bell.fire("ring")
    future.set_result(7)
    assert await fired == [7]


async def test_tasks_are_kept_alive(bell: Bell) -> None:
    begun, done = asyncio.Event(), asyncio.Event()
    gates: list[weakref.ref[asyncio.Future[None]]] = []

    async def handler() -> None:
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gates.append(weakref.ref(gate))
        begun.set()
        await gate
        done.set()

    bell.on("ring", handler)
    bell.fire("ring")
    await begun.wait()
    gc.collect()
    gate = gates[0]()
    assert gate is not None
    gate.set_result(None)
    await done.wait()


async def test_off(bell: Bell) -> None:
    a, b, c = Heard(), Heard(), Heard()
    bell.on("ring", a)
    bell.on("ring", a)
    bell.on("ring", b)
    bell.on("other", c)
    bell.off("ring", a)
    bell.off("ring", print)
    await bell.fire("ring")
    assert (len(a), len(b)) == (1, 1)
    bell.off("ring")
    await bell.fire("ring")
    assert (len(a), len(b)) == (1, 1)
    await bell.fire("other")
    bell.off()
    await bell.fire("other")
    assert len(c) == 1
    bell.off("nobody listens to this", print)


def test_off_needs_the_event_of_a_handler(bell: Bell) -> None:
    with pytest.raises(RuntimeError, match="event"):
        bell.off(None, print)


async def test_unknown_events(bell: Bell) -> None:
    bell.set_valid_events(["message", "other"])
    for act in (lambda: bell.on("x", print), lambda: bell.off("x"), lambda: bell.fire("x")):
        with pytest.raises(RuntimeError, match="no event 'x', but these: message, other"):
            act()
    bell.set_valid_events()
    bell.on("x", Heard())


async def test_handlers_may_change_who_listens(bell: Bell) -> None:
    late = Heard()

    def handler() -> None:
        bell.off("ring", handler)
        bell.on("ring", late)

    bell.on("ring", handler)
    assert await bell.fire("ring") == [None]
    assert await bell.fire("ring") == [1]


async def test_the_parent_hears_it_too(bell: Bell) -> None:
    parent = Bell.__new__(Bell)
    bell._parent = parent
    parent.on("ring", lambda what: f"parent {what}")
    assert await bell.fire("ring", "a") == [["parent a"]]
    bell.on("ring", lambda what: what)
    assert await bell.fire("ring", "a") == ["a", ["parent a"]]


@pytest.mark.parametrize("is_coroutine", [False, True])
async def test_an_error_is_logged_and_stops_nobody(
    bell: Bell, is_coroutine: bool, caplog: pytest.LogCaptureFixture
) -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    def plain() -> None:
        raise ValueError("bad")

    async def coroutine() -> None:
        raise ValueError("bad")

    after = Heard()
    bell.on("ring", coroutine if is_coroutine else plain)
    bell.on("ring", after)
    with caplog.at_level(logging.ERROR, "wsproto_async"):
        fired = bell.fire("ring")
        assert len(after) == 1
        await asyncio.wait([fired])
        with pytest.raises(ValueError, match="bad"):
            await fired
        del fired
        not_awaited = bell.fire("ring")
        await asyncio.wait([not_awaited])
        del not_awaited
    gc.collect()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ValueError] * 2
    assert "'ring'" in caplog.text
    assert complaints == []


async def test_a_cancelled_handler_is_no_error(
    bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    bell.on("ring", lambda: future)
    fired = bell.fire("ring")
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fired
    with pytest.raises(asyncio.CancelledError):
        await bell.fire("ring")
    assert caplog.records == []
