"""An asyncio service in a thread of its own, so that threads and event loops can live in one process."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@contextmanager
def held(service: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter `service` in a new event loop, yield what it yields, and leave it at the end of the block."""
    keeper = _Keeper(service)
    thread = threading.Thread(target=lambda: asyncio.run(keeper.keep()), daemon=True)
    thread.start()
    try:
        yield keeper.entered.result()
    finally:
        keeper.release()
        thread.join()


class _Keeper(Generic[T]):
    def __init__(self, service: AbstractAsyncContextManager[T]) -> None:
        self._service = service
        self.entered: Future[T] = Future()
        self.release: Callable[[], Any] = lambda: None

    async def keep(self) -> None:
        loop, leave = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(_complain)
        try:
            async with self._service as value:
                self.release = lambda: loop.call_soon_threadsafe(leave.set)
                self.entered.set_result(value)
                await leave.wait()
            await _hang_up()
        except Exception as failure:
            if self.entered.done():
                raise
            self.entered.set_exception(failure)


async def _hang_up() -> None:
    """End the conversations that are still going on, and let the loop close their sockets."""
    conversations = asyncio.all_tasks() - {asyncio.current_task()}
    for conversation in conversations:
        conversation.cancel()
    await asyncio.gather(*conversations, return_exceptions=True)
    await asyncio.sleep(0)


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A peer that hangs up in the middle is daily business; anything else is told."""
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)
