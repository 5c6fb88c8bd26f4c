"""How many connections may be in use at once."""

import asyncio


class Slots:
    """So many slots; who waits first gets one first.

    Unlike asyncio's semaphore it gives a free slot without a coroutine, which costs a read several microseconds.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: dict[asyncio.Future[None], None] = {}

    def take(self) -> bool:
        """Takes a slot where one is free; nobody waits then."""
        if self._free == 0:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """Takes a slot, as soon as there is one."""
        if self.take():
            return
        handed = asyncio.get_running_loop().create_future()
        self._waiting[handed] = None
        try:
            await handed
        except asyncio.CancelledError:
            if handed.cancelled():
                self._waiting.pop(handed, None)
            else:
                self.release()
            raise

    def release(self) -> None:
        """Gives a slot back: to who has waited longest, or to nobody yet."""
        while self._waiting:
            handed = next(iter(self._waiting))
            del self._waiting[handed]
            if not handed.done():
                handed.set_result(None)
                return
        self._free += 1
