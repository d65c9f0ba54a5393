"""aiohttp."""

from __future__ import annotations

from aiohttp import ClientSession, ClientWebSocketResponse, WSMessage, WSMsgType, web

from .setup import BACKLOG, HOST, Setup

clients: set[web.WebSocketResponse] = set()


async def send(ws: web.WebSocketResponse | ClientWebSocketResponse, message: WSMessage) -> None:
    if message.type is WSMsgType.TEXT:
        await ws.send_str(message.data)
    else:
        await ws.send_bytes(message.data)


async def server(setup: Setup) -> object:
    async def handle(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=setup.deflate, max_msg_size=0)
        await ws.prepare(request)
        clients.add(ws)
        try:
            async for message in ws:
                for client in clients if setup.broadcast else (ws,):
                    await send(client, message)
        finally:
            clients.discard(ws)
        return ws

    application = web.Application()
    application.router.add_get("/", handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, setup.port, ssl_context=setup.ssl, backlog=BACKLOG).start()
    return runner


async def client(setup: Setup) -> None:
    async with ClientSession() as session, session.ws_connect(setup.url, max_msg_size=0) as ws:
        async for message in ws:
            await send(ws, message)
