"""``wsproto-async options``, and where the tools take options from."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from wsproto_async import ClientOptions, OptionError, ServerOptions, __version__
from wsproto_async.cli import main
from wsproto_async.cli.arguments import options_of


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WSPROTO_ASYNC_PURE", raising=False)


def test_every_option_is_printed_with_default_unit_and_meaning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["options"]) == 0
    out = capsys.readouterr().out
    for model in (ServerOptions, ClientOptions):
        for name in model.model_fields:
            assert out.count(f"\n{name} = ") + out.startswith(f"{name} = ") in (1, 2), name
    assert "\nmax_handshake_size = 16384   (server and client; octets from 256)\n" in out
    assert "\n    How many octets the HTTP head of a handshake may have.\n" in out
    assert "\n    WSPROTO_ASYNC_MAX_HANDSHAKE_SIZE" in out
    assert "\nclose_timeout = 1   (server; seconds or None)\n" in out
    assert "\nclose_timeout = 2   (client; seconds or None)\n" in out
    assert "WSPROTO_ASYNC_PER_MESSAGE_COMPRESSION_ACCEPT" not in out  # a function


def test_a_stdout_that_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a notebook."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["options", "--server", "max_connections"]) == 0
    assert out.getvalue().startswith("max_connections = ")


@pytest.mark.parametrize(("role", "model"), [("server", ServerOptions), ("client", ClientOptions)])
def test_one_role_and_one_option(
    role: str, model: type[ServerOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["options", f"--{role}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.partition(" = ")[0] for line in lines if line and not line.startswith(" ")]
    assert names == list(model.model_fields)
    assert main(["options", f"--{role}", "on_hook_error"]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == f'on_hook_error = \'close\'   ({role}; "close" or "keep")'


def test_an_unknown_option_is_told_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["options", "max_conections"]) == 2
    assert capsys.readouterr() == (
        "",
        "wsproto-async: unknown option max_conections; did you mean max_connections?\n",
    )


def uncommented(text: str) -> str:
    return "\n".join(
        line.removeprefix("#") for line in text.splitlines() if not line.startswith("# ")
    )


def test_the_file_is_one_of_defaults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["options", "--toml"]) == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text) == {"server": {}, "client": {}}
    path = tmp_path / "chat.toml"
    path.write_text(uncommented(text))
    for model, table in ((ServerOptions, "server"), (ClientOptions, "client")):
        options = model.from_file(path, table)
        assert options == model()
        settable = {name for name in model.model_fields if not name.startswith("per_message")}
        assert options.model_fields_set >= settable - {"compression"}


def test_the_file_of_one_role_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["options", "--toml", "--server", "max_connections"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].startswith("# ServerOptions: ")
    assert out.endswith("# Value: connections from 0.\n#max_connections = 0\n")
    assert "[server]" not in out


def test_arguments_above_environment_above_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "options.toml"
    path.write_text("max_connections = 1\nclose_timeout = 0.5\nmax_handshake_size = 1000\n")
    monkeypatch.setenv("WSPROTO_ASYNC_MAX_CONNECTIONS", "2")
    monkeypatch.setenv("WSPROTO_ASYNC_CLOSE_TIMEOUT", "0.7")
    given = ["max_connections=3", "allowed_origins=http://a, http://b"]
    args = argparse.Namespace(config=str(path), options=given)
    options = options_of(ServerOptions, args)
    assert (options.max_connections, options.close_timeout) == (3, 0.7)
    assert options.max_handshake_size == 1000
    assert options.allowed_origins == ("http://a", "http://b")
    assert options_of(ServerOptions, argparse.Namespace(config=None, options=[])) == (
        ServerOptions(max_connections=2, close_timeout=0.7)
    )
    with pytest.raises(OptionError, match="-o x: should be NAME=VALUE"):
        options_of(ServerOptions, argparse.Namespace(config=None, options=["x"]))


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"wsproto-async {__version__}\n"
    for arguments in ([], ["nonsense"], ["connect"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    for command in ("connect", "serve", "bench", "options"):
        with pytest.raises(SystemExit) as caught:
            main([command, "--help"])
        assert caught.value.code == 0


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-W", "error", "-m", "wsproto_async", "options", "tcp_no_delay"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("tcp_no_delay = True   (server and client; bool)\n")
