"""Run a contender: python -m benchmarks.contenders NAME --port PORT [--client] ...

It prints READY when its server listens, or before its client connects; or SKIP and why not.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import resource
import ssl
from types import ModuleType

from .setup import LOOPS, Setup, Unsupported, loop_factory


async def stay(module: ModuleType, setup: Setup, client: bool) -> None:
    if client:
        print("READY", flush=True)
        await module.client(setup)
    else:
        kept = await module.server(setup)
        gc.collect()
        print("READY", flush=True)
        await asyncio.Event().wait()
        del kept


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--loop", choices=LOOPS, default="asyncio")
    parser.add_argument("--client", action="store_true")
    parser.add_argument("--broadcast", action="store_true")
    parser.add_argument("--deflate", action="store_true")
    parser.add_argument("--certificate", metavar="FILE", help="of the server, with its key")
    args = parser.parse_args()

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = None
    if args.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.certificate)
    setup = Setup(args.port, args.loop, args.broadcast, args.deflate, context)
    try:
        module = importlib.import_module(f".{args.name}", __package__)
        with asyncio.Runner(loop_factory=loop_factory(args.loop)) as runner:
            runner.run(stay(module, setup, args.client))
    except ModuleNotFoundError as error:
        print(f"SKIP {error.name} is not installed", flush=True)
    except Unsupported as error:
        print(f"SKIP {error}", flush=True)


if __name__ == "__main__":
    main()
