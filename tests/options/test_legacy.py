"""The camelCase view, against Autobahn's literal lists."""

from __future__ import annotations

import re
from typing import Any, get_type_hints

import pytest

from wsproto_async.errors import OptionError
from wsproto_async.options import (
    ClientOptions,
    ClientOptionsKwargs,
    CommonOptions,
    ServerOptions,
    ServerOptionsKwargs,
)
from wsproto_async.options.base import OptionsBase
from wsproto_async.options.legacy import (
    ATTRIBUTE_ONLY,
    CONFIG_ATTRS_CLIENT,
    CONFIG_ATTRS_COMMON,
    CONFIG_ATTRS_SERVER,
    OWN_ATTRS,
    OWN_SERVER_ATTRS,
    assign,
    legacy_value,
    update,
)

COMMON = [
    "logOctets", "logFrames", "trackTimings", "utf8validateIncoming", "applyMask",
    "maxFramePayloadSize", "maxMessagePayloadSize", "autoFragmentSize", "failByDrop",
    "echoCloseCodeReason", "openHandshakeTimeout", "closeHandshakeTimeout", "tcpNoDelay",
    "autoPingInterval", "autoPingTimeout", "autoPingSize",
]  # fmt: skip
SERVER = [
    "versions", "webStatus", "requireMaskedClientFrames", "maskServerFrames",
    "perMessageCompressionAccept", "serveFlashSocketPolicy", "flashSocketPolicy",
    "allowedOrigins", "allowedOriginsPatterns", "allowNullOrigin", "maxConnections",
    "trustXForwardedFor",
]  # fmt: skip
CLIENT = [
    "version", "acceptMaskedServerFrames", "maskClientFrames", "serverConnectionDropTimeout",
    "perMessageCompressionOffers", "perMessageCompressionAccept",
]  # fmt: skip
OWN = [
    "hookConcurrency", "onHookError", "receiveQueueMessages", "receiveQueueBytes",
    "writeBufferHigh", "closeTimeout", "maxHandshakeSize", "maxHandshakeHeaders",
    "autoPingRestartOnAnyTraffic", "maxMessagesPerSecond", "maxOctetsPerSecond", "onRateLimit",
]  # fmt: skip
OWN_SERVER = ["maxConnectionsPerIp", "maxHandshakesPerMinute", "accessLog"]

# Autobahn's signatures of setProtocolOptions, in its order.
SERVER_KEYWORDS = [
    "versions", "webStatus", "utf8validateIncoming", "maskServerFrames",
    "requireMaskedClientFrames", "applyMask", "maxFramePayloadSize", "maxMessagePayloadSize",
    "autoFragmentSize", "failByDrop", "echoCloseCodeReason", "openHandshakeTimeout",
    "closeHandshakeTimeout", "tcpNoDelay", "perMessageCompressionAccept", "autoPingInterval",
    "autoPingTimeout", "autoPingSize", "serveFlashSocketPolicy", "flashSocketPolicy",
    "allowedOrigins", "allowNullOrigin", "maxConnections", "trustXForwardedFor",
]  # fmt: skip
CLIENT_KEYWORDS = [
    "version", "utf8validateIncoming", "acceptMaskedServerFrames", "maskClientFrames", "applyMask",
    "maxFramePayloadSize", "maxMessagePayloadSize", "autoFragmentSize", "failByDrop",
    "echoCloseCodeReason", "serverConnectionDropTimeout", "openHandshakeTimeout",
    "closeHandshakeTimeout", "tcpNoDelay", "perMessageCompressionOffers",
    "perMessageCompressionAccept", "autoPingInterval", "autoPingTimeout", "autoPingSize",
]  # fmt: skip

ROLES = [
    pytest.param(ServerOptions, ServerOptionsKwargs, SERVER_KEYWORDS, id="server"),
    pytest.param(ClientOptions, ClientOptionsKwargs, CLIENT_KEYWORDS, id="client"),
]


class Offer:
    def get_extension_string(self) -> str:
        return "permessage-deflate"


class TestLists:
    def test_derived_lists_are_the_contracts(self) -> None:
        assert CONFIG_ATTRS_COMMON == COMMON
        assert CONFIG_ATTRS_SERVER == SERVER
        assert CONFIG_ATTRS_CLIENT == CLIENT
        assert OWN_ATTRS == OWN
        assert OWN_SERVER_ATTRS == OWN_SERVER

    @pytest.mark.parametrize(("model", "kwargs", "keywords"), ROLES)
    def test_keywords_are_the_contracts_and_ours(
        self, model: type[CommonOptions], kwargs: type, keywords: list[str]
    ) -> None:
        hints = get_type_hints(kwargs)
        ours = OWN + OWN_SERVER if model is ServerOptions else OWN
        assert hints.keys() == {*keywords, *ATTRIBUTE_ONLY, *ours}
        assert hints.keys() == {field.alias for field in model.model_fields.values()}

    @pytest.mark.parametrize(("model", "kwargs", "keywords"), ROLES)
    def test_keywords_have_the_types_of_the_fields(
        self, model: type[CommonOptions], kwargs: type, keywords: list[str]
    ) -> None:
        fields = get_type_hints(model)
        for alias, hint in get_type_hints(kwargs).items():
            assert hint == fields[model.spellings()[alias]] | None, alias


class TestUpdate:
    @pytest.mark.parametrize(
        ("options", "keyword", "value"),
        [
            (ServerOptions.contract(), "maxConnections", 3),
            (ServerOptions.contract(), "allowNullOrigin", False),
            (ServerOptions.contract(), "versions", [13]),
            (ServerOptions.contract(), "utf8validateIncoming", False),
            (ServerOptions.contract(), "logFrames", True),
            (ServerOptions.contract(), "hookConcurrency", 1),
            (ClientOptions.contract(), "version", 10),
            (ClientOptions.contract(), "autoPingInterval", 2.5),
            (ClientOptions.contract(), "perMessageCompressionAccept", len),
            (ClientOptions.contract(), "autoPingRestartOnAnyTraffic", False),
        ],
    )
    def test_changes_one_option(self, options: OptionsBase, keyword: str, value: object) -> None:
        before = options.model_copy()
        changed = update(options, {keyword: value})
        assert legacy_value(changed, keyword) == value
        field = options.spellings()[keyword]
        assert changed.model_copy(update={field: getattr(options, field)}) == options
        assert options == before

    @pytest.mark.parametrize("options", [ServerOptions.contract(), ClientOptions.contract()])
    def test_none_leaves_every_option_alone(self, options: OptionsBase) -> None:
        keywords = {field.alias: None for field in type(options).model_fields.values()}
        assert update(options, {str(name): value for name, value in keywords.items()}) == options

    def test_null_origins_stay_allowed(self) -> None:
        """Autobahn shuts them out as soon as any other option is set."""
        assert update(ServerOptions.contract(), {"maxConnections": 3}).allow_null_origin

    @pytest.mark.parametrize(
        ("options", "keyword", "hint"),
        [
            (ServerOptions(), "maxConections", "; did you mean maxConnections?"),
            (ServerOptions(), "max_connections", "; did you mean maxConnections?"),
            (ServerOptions(), "utf8ValidateIncoming", "; did you mean utf8validateIncoming?"),
            (ServerOptions(), "allowedOriginsPatterns", "; it follows allowedOrigins, set that"),
            (ServerOptions(), "zzz", ""),
            (ClientOptions(), "webStatus", ""),
        ],
    )
    def test_unknown_keywords(self, options: OptionsBase, keyword: str, hint: str) -> None:
        text = re.escape(f"setProtocolOptions() has no option {keyword}{hint}")
        with pytest.raises(TypeError, match=f"^{text}$"):
            update(options, {keyword: None})

    @pytest.mark.parametrize(
        ("options", "keyword", "value", "complaint"),
        [
            (ServerOptions(), "maxConnections", -1, "maxConnections=-1: should be greater than"),
            (ServerOptions(), "maxConnections", True, "maxConnections=True: should be a valid int"),
            (ServerOptions(), "versions", [9], "versions=[9]: should be one or more of 8 and 13"),
            (ServerOptions(), "versions", ["x"], "versions[0]='x': should be a valid integer"),
            (ServerOptions(), "utf8validateIncoming", 2, "utf8validateIncoming=2: should be a"),
            (ServerOptions(), "flashSocketPolicy", "x", "flashSocketPolicy='x': should end in a"),
            (ClientOptions(), "version", 9, "version=9: should be a version of the specification"),
            (ClientOptions(), "autoPingSize", 3, "autoPingSize=3: should be greater than or equal"),
            (ClientOptions(), "perMessageCompressionOffers", Offer, "perMessageCompressionOffers="),
        ],
    )
    def test_bad_values(
        self, options: OptionsBase, keyword: str, value: object, complaint: str
    ) -> None:
        with pytest.raises(OptionError) as caught:
            update(options, {keyword: value})
        assert str(caught.value).startswith(complaint)

    def test_bad_values_are_reported_together(self) -> None:
        with pytest.raises(OptionError) as caught:
            update(ServerOptions(), {"maxConnections": -1, "autoPingSize": 1})
        assert len(str(caught.value).splitlines()) == 2

    def test_a_huge_value_is_shortened(self) -> None:
        with pytest.raises(OptionError) as caught:
            update(ServerOptions(), {"flashSocketPolicy": "x" * 10_000})
        assert len(str(caught.value)) < 200


class TestAssign:
    def test_sets_a_value(self) -> None:
        assert assign(ServerOptions(), "logOctets", True).log_octets

    @pytest.mark.parametrize(
        ("name", "kept"),
        [("autoPingInterval", 0), ("closeTimeout", None), ("hookConcurrency", None)],
    )
    def test_none_is_a_value(self, name: str, kept: object) -> None:
        assert legacy_value(assign(ServerOptions(), name, None), name) == kept

    def test_none_is_refused_where_it_means_nothing(self) -> None:
        with pytest.raises(OptionError, match="openHandshakeTimeout=None"):
            assign(ServerOptions(), "openHandshakeTimeout", None)

    @pytest.mark.parametrize("name", ["allowedOriginsPatterns", "max_connections", "zzz"])
    def test_unknown_names(self, name: str) -> None:
        with pytest.raises(AttributeError, match=name):
            assign(ServerOptions(), name, None)


class TestLegacyValue:
    @pytest.mark.parametrize(
        ("options", "names"),
        [
            (ServerOptions.contract(), COMMON + SERVER + OWN),
            (ClientOptions.contract(), COMMON + CLIENT + OWN),
        ],
    )
    def test_every_name_has_a_value(self, options: OptionsBase, names: list[str]) -> None:
        for name in names:
            assert not isinstance(legacy_value(options, name), tuple)

    @pytest.mark.parametrize(
        ("options", "name", "value"),
        [
            (ServerOptions.contract(), "versions", [8, 13]),
            (ServerOptions.contract(), "allowedOrigins", ["*"]),
            (ServerOptions.contract(), "maxConnections", 0),
            (ServerOptions.contract(), "webStatus", True),
            (ServerOptions.contract(), "autoPingSize", 4),
            (ClientOptions.contract(), "perMessageCompressionOffers", []),
            (ClientOptions.contract(), "openHandshakeTimeout", 5),
            (ClientOptions.contract(), "version", 18),
        ],
    )
    def test_shapes(self, options: OptionsBase, name: str, value: Any) -> None:
        assert legacy_value(options, name) == value
        assert type(legacy_value(options, name)) is type(value)

    def test_lists_are_new_each_time(self) -> None:
        options = ServerOptions()
        legacy_value(options, "allowedOrigins").append("x")
        assert legacy_value(options, "allowedOrigins") == ["*"]

    def test_patterns(self) -> None:
        options = update(ServerOptions(), {"allowedOrigins": ["https://a.org"]})
        (pattern,) = legacy_value(options, "allowedOriginsPatterns")
        assert pattern.match("https://a.org:443")
        assert not pattern.match("https://b.org:443")

    @pytest.mark.parametrize("options", [ServerOptions(), ClientOptions()])
    def test_compression_is_declined_by_a_function(self, options: OptionsBase) -> None:
        assert legacy_value(options, "perMessageCompressionAccept")([]) is None

    @pytest.mark.parametrize(
        ("options", "name"),
        [
            (ServerOptions(), "version"),
            (ClientOptions(), "allowedOriginsPatterns"),
            (ClientOptions(), "max_frame_payload_size"),
        ],
    )
    def test_unknown_names(self, options: OptionsBase, name: str) -> None:
        with pytest.raises(AttributeError, match=f"there is no option {name}"):
            legacy_value(options, name)
