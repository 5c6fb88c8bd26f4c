"""`python -m tools.bench.idle CONTRACT`: a host that starts as `onex-host` has it, and says when it is ready."""

import asyncio
import os
import sys

from omnibase_infra.host.program import begin


async def _open(path: str) -> None:
    from omnibase_infra.config.files import load_contract_file
    from omnibase_infra.config.secrets import SecretResolver
    from omnibase_infra.wiring import build_host

    loaded = load_contract_file(path, os.environ)
    async with build_host(loaded, SecretResolver.of_environment(os.environ)):
        print("ready", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    begin()
    asyncio.run(_open(sys.argv[1]))
