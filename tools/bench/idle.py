"""`python -m tools.bench.idle CONTRACT`: a host that says when it is ready and what it holds, and ends."""

import asyncio
import os
import sys

from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.wiring import build_host


async def _open(path: str) -> None:
    loaded = load_contract_file(path, os.environ)
    async with build_host(loaded, SecretResolver.of_environment(os.environ)):
        print("ready", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    asyncio.run(_open(sys.argv[1]))
