"""The pytest plugin, in the pytest of somebody else's project."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest

from tests.examples.program import ROOT

pytest_plugins = ["pytester"]

CONFTEST = 'pytest_plugins = ["wsproto_async.testing.plugin"]'

SUITE = """
    import pytest
    from wsproto_async import ConnectionClosedError
    from wsproto_async.testing import memory_pair

    {mark}
    async def test_echo(websocket_server):
        server = await websocket_server()
        async with server.connect() as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"

    {mark}
    async def test_own_handler_with_faults(websocket_server, websocket_recorder):
        async def shout(ws):
            async for message in ws:
                await ws.send(message.upper())

        server = await websocket_server(shout, faults=True, recorder=websocket_recorder)
        other = await websocket_server()
        assert server.url != other.url
        ws = await server.connect()
        await ws.send("hello")
        assert await ws.recv() == "HELLO"
        assert websocket_recorder.messages("server") == ["HELLO"]
        server.faults.cut()
        with pytest.raises(ConnectionClosedError):
            await ws.recv()

    {mark}
    async def test_that_fails(websocket_recorder):
        async with memory_pair(recorder=websocket_recorder) as (client, server):
            await client.send("what was said")
            await server.recv()
            assert False, "on purpose"
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest(CONFTEST)
    return pytester


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_with_pytest_asyncio(suite: pytest.Pytester, mode: str) -> None:
    suite.makepyfile(SUITE.format(mark="@pytest.mark.asyncio" if mode == "strict" else ""))
    suite.makeini(
        f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\n"
    )
    result = suite.runpytest_inprocess("-p", "no:cacheprovider", "-W", "error")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*WebSocket frames*", "client: TEXT 13 octets b'what was said'", "*CLOSE 2 octets*"]
    )
    result.stdout.no_fnmatch_line("*HELLO*")  # of a test that has passed


def test_the_example_of_the_page(suite: pytest.Pytester) -> None:
    page = (ROOT / "docs/howto/testing.md").read_text()
    files = dict(re.findall(r"^```py\n# (\w+)\.py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    [shout] = re.findall(r"^async def shout.*?\n\n", page, re.MULTILINE | re.DOTALL)[:1]
    suite.makepyfile(shout="from wsproto_async import WebSocket\n" + shout, **files)
    ini = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
    suite.makeini(ini)
    result = suite.runpytest_inprocess("-p", "no:cacheprovider", "-W", "error")
    result.assert_outcomes(passed=1)


def test_its_fixtures_are_anyios_where_pytest_asyncio_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pytest_asyncio", None)
    spec = importlib.util.find_spec("wsproto_async.testing.plugin")
    assert spec is not None
    assert spec.loader is not None
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
    assert plugin.async_fixture is pytest.fixture


def test_with_anyio(suite: pytest.Pytester) -> None:
    suite.makepyfile(pytest_asyncio="raise ImportError")
    suite.makepyfile(SUITE.format(mark="@pytest.mark.anyio"))
    suite.makepyfile(
        conftest=CONFTEST + "\nimport pytest\n\n@pytest.fixture\ndef anyio_backend():\n"
        '    return "asyncio"\n'
    )
    arguments = ["-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:timeout"]
    result = suite.runpytest_subprocess(*arguments)
    result.assert_outcomes(passed=2, failed=1)


def test_it_is_not_imported_by_those_who_do_not_use_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert not [name for name in sys.modules if name.startswith("wsproto_async")]
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_tools_do_not_need_pytest() -> None:
    program = (
        "import sys; sys.modules['pytest'] = None; import wsproto_async.testing as t; "
        "assert 'wsproto_async.testing.plugin' not in sys.modules; t.memory_pair"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
