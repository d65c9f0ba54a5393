"""Spelling, copies, the environment and files."""

from __future__ import annotations

import inspect
import json
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from wsproto_async.errors import OptionError
from wsproto_async.options import ClientOptions, ServerOptions
from wsproto_async.options.base import OptionsBase


class TestSpelling:
    def test_both_spellings_are_accepted(self) -> None:
        given: dict[str, Any] = {"maxConnections": 3, "utf8validateIncoming": False}
        same = ServerOptions(max_connections=3, utf8_validate_incoming=False)
        assert ServerOptions(**given) == same

    def test_a_model_of_options_is_taken_as_it_is(self) -> None:
        class Settings(BaseModel):
            server: ServerOptions

        options = ServerOptions(max_connections=3)
        assert Settings(server=options).server is options
        with pytest.raises(ValidationError, match="valid dictionary or instance"):
            Settings.model_validate({"server": ["max_connections"]})

    def test_both_at_once_are_refused(self) -> None:
        given: dict[str, Any] = {"maxConnections": 3, "max_connections": 4}
        with pytest.raises(ValidationError, match="max_connections is given twice"):
            ServerOptions(**given)

    @pytest.mark.parametrize(
        ("typo", "meant"),
        [
            ("max_conections", "max_connections"),
            ("maxConections", "maxConnections"),
            ("ping_interval", "auto_ping_interval"),
        ],
    )
    def test_a_typo_is_told_what_was_meant(self, typo: str, meant: str) -> None:
        given: dict[str, Any] = {typo: 3}
        with pytest.raises(
            ValidationError, match=rf"unknown option {typo}; did you mean {meant}\?"
        ):
            ServerOptions(**given)

    def test_what_resembles_nothing_is_refused_too(self) -> None:
        given: dict[str, Any] = {"zzz": 3}
        with pytest.raises(ValidationError, match=r"unknown option zzz \["):
            ServerOptions(**given)


class TestModel:
    def test_is_frozen(self) -> None:
        options = ServerOptions()
        with pytest.raises(ValidationError, match="frozen"):
            options.max_connections = 3  # type: ignore[misc]

    def test_can_be_compared_hashed_and_pickled(self) -> None:
        options = ServerOptions(allowed_origins=["https://example.com"])
        assert len({options, ServerOptions(allowed_origins=("https://example.com",))}) == 1
        assert pickle.loads(pickle.dumps(options)) == options

    @pytest.mark.parametrize("options", [ServerOptions(), ServerOptions.contract()])
    def test_its_dump_makes_it_again(self, options: ServerOptions) -> None:
        assert ServerOptions.model_validate_json(options.model_dump_json()) == options
        assert ServerOptions(**options.model_dump(by_alias=True)) == options

    @pytest.mark.parametrize("model", [ServerOptions, ClientOptions])
    def test_has_a_json_schema(self, model: type[OptionsBase]) -> None:
        schema = model.model_json_schema(by_alias=False)
        assert schema["properties"].keys() == model.model_fields.keys()
        assert schema["additionalProperties"] is False

    def test_nests_in_a_model_of_settings(self) -> None:
        class Settings(OptionsBase, frozen=True):
            socket: ServerOptions = ServerOptions()

        given: dict[str, Any] = {"socket": {"max_connections": 3}}
        assert Settings(**given).socket == ServerOptions(max_connections=3)
        assert Settings(socket=ServerOptions(max_connections=3)) == Settings(**given)


class TestCopy:
    def test_changes_what_is_named_and_keeps_the_rest(self) -> None:
        options = ServerOptions.contract(web_status=False)
        changed = options.model_copy(update={"maxConnections": 3, "auto_ping_interval": 5})
        assert changed == ServerOptions.contract(
            web_status=False, max_connections=3, auto_ping_interval=5
        )
        assert options.max_connections == 0

    def test_validates(self) -> None:
        with pytest.raises(ValidationError, match="max_connections"):
            ServerOptions().model_copy(update={"max_connections": -1})
        with pytest.raises(ValidationError, match="did you mean max_connections"):
            ServerOptions().model_copy(update={"max_conections": 1})

    def test_recomputes_what_is_derived(self) -> None:
        options = ServerOptions()
        assert options.allowed_origins_patterns[0].match("https://other.org:443")
        changed = options.model_copy(update={"allowed_origins": ["https://example.com"]})
        assert not changed.allowed_origins_patterns[0].match("https://other.org:443")

    def test_without_changes_is_equal(self) -> None:
        options = ServerOptions(max_connections=3)
        assert options.model_copy() == options
        assert options.model_copy(deep=True) == options


def server_from(variables: Mapping[str, str]) -> ServerOptions:
    return ServerOptions.from_env(
        environ={f"WSPROTO_ASYNC_{name}": text for name, text in variables.items()}
    )


class TestEnvironment:
    def test_nothing_set_gives_the_safe_defaults(self) -> None:
        assert server_from({}) == ServerOptions()

    @pytest.mark.parametrize(
        ("name", "text", "field", "value"),
        [
            ("MAX_CONNECTIONS", "100", "max_connections", 100),
            ("AUTO_PING_INTERVAL", "2.5", "auto_ping_interval", 2.5),
            ("AUTO_PING_INTERVAL", " 0 ", "auto_ping_interval", 0),
            ("WEB_STATUS", "1", "web_status", True),
            ("WEB_STATUS", "Yes", "web_status", True),
            ("TCP_NO_DELAY", "off", "tcp_no_delay", False),
            ("ON_HOOK_ERROR", "keep", "on_hook_error", "keep"),
            ("HOOK_CONCURRENCY", "none", "hook_concurrency", None),
            ("HOOK_CONCURRENCY", "0", "hook_concurrency", None),
            ("CLOSE_TIMEOUT", "None", "close_timeout", None),
            ("VERSIONS", "13", "versions", (13,)),
            ("VERSIONS", "[8, 13]", "versions", (8, 13)),
            ("ALLOWED_ORIGINS", "https://a.org, *://b.org:*", "allowed_origins",
             ("https://a.org", "*://b.org:*")),
            ("ALLOWED_ORIGINS", '["https://a.org"]', "allowed_origins", ("https://a.org",)),
            ("ALLOWED_ORIGINS", "", "allowed_origins", ()),
        ],
    )  # fmt: skip
    def test_values(self, name: str, text: str, field: str, value: object) -> None:
        assert getattr(server_from({name: text}), field) == value

    @pytest.mark.parametrize(
        ("name", "text", "rule"),
        [
            ("MAX_CONNECTIONS", "many", "integer"),
            ("MAX_CONNECTIONS", "-1", "greater than or equal to 0"),
            ("MAX_CONNECTIONS", "", "integer"),
            ("AUTO_PING_TIMEOUT", "inf", "finite"),
            ("AUTO_PING_TIMEOUT", "nan", "finite"),
            ("WEB_STATUS", "maybe", "boolean"),
            ("VERSIONS", "13,9", "8 and 13"),
            ("VERSIONS", "", "8 and 13"),
            ("VERSIONS", "[13", "column"),
            ("PER_MESSAGE_COMPRESSION_ACCEPT", "f", "callable"),
        ],
    )
    def test_bad_values_are_named(self, name: str, text: str, rule: str) -> None:
        with pytest.raises(OptionError, match=rf"^WSPROTO_ASYNC_{name}\b.*{rule}"):
            server_from({name: text})

    def test_all_bad_values_are_named_at_once(self) -> None:
        with pytest.raises(OptionError, match=r"(?s)MAX_CONNECTIONS.*TRUST_X_FORWARDED_FOR"):
            server_from({"MAX_CONNECTIONS": "x", "TRUST_X_FORWARDED_FOR": "x"})

    def test_a_typo_is_told_what_was_meant(self) -> None:
        with pytest.raises(OptionError, match="did you mean WSPROTO_ASYNC_MAX_CONNECTIONS"):
            server_from({"MAX_CONECTIONS": "3"})

    def test_what_belongs_to_others_is_passed_over(self) -> None:
        environ = {
            "WSPROTO_ASYNC_PURE": "1",
            "WSPROTO_ASYNC_MASK_CLIENT_FRAMES": "0",
            "WSPROTO_ASYNC_WEB_STATUS": "1",
            "MAX_CONNECTIONS": "5",
        }
        assert ServerOptions.from_env(environ=environ) == ServerOptions(web_status=True)
        assert ClientOptions.from_env(environ=environ) == ClientOptions(mask_client_frames=False)

    def test_prefix(self) -> None:
        options = ServerOptions.from_env("APP_WS_", {"APP_WS_MAX_CONNECTIONS": "7"})
        assert options.max_connections == 7
        with pytest.raises(OptionError, match="prefix must not be empty"):
            ServerOptions.from_env("", {})

    def test_looks_into_the_environment_of_the_process(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for variable in os.environ:
            if variable.startswith("WSPROTO_ASYNC_"):
                monkeypatch.delenv(variable)
        monkeypatch.setenv("WSPROTO_ASYNC_MAX_CONNECTIONS", "9")
        assert ServerOptions.from_env() == ServerOptions(max_connections=9)

    def test_above_a_base(self) -> None:
        base = ServerOptions(max_connections=5, allowed_origins=["https://a.org"])
        options = ServerOptions.from_env("X_", {"X_MAX_CONNECTIONS": "9"}, base=base)
        assert options == ServerOptions(max_connections=9, allowed_origins=["https://a.org"])
        assert ServerOptions.from_env("X_", {}, base=base) == base
        assert options.model_fields_set == {"max_connections", "allowed_origins"}


class TestFile:
    def test_toml(self, tmp_path: Path) -> None:
        path = tmp_path / "options.toml"
        path.write_text(
            'max_connections = 9\nallowed_origins = ["https://a.org"]\nwebStatus = true'
        )
        assert ServerOptions.from_file(path) == ServerOptions(
            max_connections=9, allowed_origins=["https://a.org"], web_status=True
        )

    def test_json(self, tmp_path: Path) -> None:
        path = tmp_path / "options.json"
        path.write_text(json.dumps({"close_timeout": None, "auto_ping_interval": 2.5}))
        assert ClientOptions.from_file(str(path)) == ClientOptions(
            close_timeout=None, auto_ping_interval=2.5
        )

    @pytest.mark.parametrize(
        ("name", "text", "complaint"),
        [
            ("o.toml", "max_connections = -1", "max_connections=-1: should be greater"),
            ("o.toml", 'max_connections = "9"', "max_connections='9': should be a valid integer"),
            ("o.toml", "max_conections = 1", "did you mean max_connections"),
            ("o.toml", "max_connections = ", "Invalid value"),
            ("o.json", '{"auto_ping_timeout": NaN}', "finite"),
            ("o.json", "[1]", "one table"),
            ("o.json", "{", "Expecting"),
            ("o.yaml", "", r"\.toml and \.json"),
        ],
    )
    def test_bad_files_are_named(
        self, tmp_path: Path, name: str, text: str, complaint: str
    ) -> None:
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(OptionError, match=rf"(?m)^\S*{name}: .*{complaint}"):
            ServerOptions.from_file(path)

    def test_a_table(self, tmp_path: Path) -> None:
        path = tmp_path / "o.toml"
        path.write_text("[tool.chat.server]\nmax_connections = 9\n[tool.chat.client]\n")
        assert ServerOptions.from_file(path, "tool.chat.server") == ServerOptions(max_connections=9)
        assert ClientOptions.from_file(path, table="tool.chat.client") == ClientOptions()
        for table in ("server", "tool.chat.server.max_connections", "tool.chat.server.x"):
            with pytest.raises(OptionError, match=rf"o\.toml: has no table {table}$"):
                ServerOptions.from_file(path, table)

    def test_each_bad_value_has_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "o.toml"
        path.write_text("max_connections = -1\ntrust_x_forwarded_for = -1")
        with pytest.raises(OptionError) as caught:
            ServerOptions.from_file(path)
        assert [line.startswith(f"{path}: ") for line in str(caught.value).split("\n")] == [
            True
        ] * 2

    def test_a_missing_file_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=r"none\.toml"):
            ServerOptions.from_file(tmp_path / "none.toml")


@pytest.mark.parametrize("model", [ClientOptions, ServerOptions])
def test_editors_show_the_names_that_are_meant(model: type[OptionsBase]) -> None:
    parameters = inspect.signature(model).parameters
    assert list(parameters) == list(model.model_fields)
    shown = {name: parameter.default for name, parameter in parameters.items()}
    assert model(**shown) == model()
