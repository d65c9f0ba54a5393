from __future__ import annotations

import inspect

import pytest

from wsproto_async import interfaces

CHANNEL = [
    *("onConnect", "onConnecting", "onOpen", "sendMessage", "onMessage", "sendClose", "onClose"),
    *("sendPing", "onPing", "sendPong", "onPong"),
]
FRAMES = ["onMessageBegin", "onMessageFrame", "onMessageEnd"]
FRAMES += ["beginMessage", "sendMessageFrame", "endMessage"]
STREAMING = ["onMessageFrameBegin", "onMessageFrameData", "onMessageFrameEnd"]
STREAMING += ["beginMessageFrame", "sendMessageFrameData"]
FACTORY = ["__init__", "setSessionParameters", "setProtocolOptions", "resetProtocolOptions"]


@pytest.mark.parametrize(
    ("name", "methods"),
    [
        ("IWebSocketChannel", CHANNEL),
        ("IWebSocketChannelFrameApi", CHANNEL + FRAMES),
        ("IWebSocketChannelStreamingApi", CHANNEL + FRAMES + STREAMING),
        ("IWebSocketServerChannelFactory", FACTORY),
        ("IWebSocketClientChannelFactory", FACTORY),
    ],
)
def test_abstract_methods(name: str, methods: list[str]) -> None:
    interface = getattr(interfaces, name)
    assert interface.__abstractmethods__ == set(methods)
    with pytest.raises(TypeError, match="abstract"):
        interface()
    for method in methods:
        assert inspect.getdoc(interface.__dict__.get(method, interface)) is not None


def test_the_channels_build_on_each_other() -> None:
    class Protocol:
        pass

    interfaces.IWebSocketChannelStreamingApi.register(Protocol)
    assert issubclass(Protocol, interfaces.IWebSocketChannelFrameApi)
    assert issubclass(Protocol, interfaces.IWebSocketChannel)
