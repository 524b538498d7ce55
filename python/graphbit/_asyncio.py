"""The asyncio side of the native event-loop bridge; imported at the first asynchronous call."""

from __future__ import annotations

import asyncio
import contextvars

from graphbit._core import cancel_operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from graphbit._core import LoopBridge

    Future = asyncio.Future[Any]
else:
    Future = asyncio.Future


class OperationFuture(Future):
    """A future whose cancellation ends the operation behind it at once."""

    __slots__ = ("_operation_id",)

    _operation_id: int

    def cancel(self, msg: Any | None = None) -> bool:
        if not super().cancel(msg):
            return False
        cancel_operation(self.get_loop(), self._operation_id)
        return True


def attach(loop: asyncio.AbstractEventLoop, fd: int, bridge: LoopBridge) -> None:
    """Lets `loop` own `bridge` and call it whenever `fd` is readable."""
    # In an empty context: the reader lives as long as the loop and must not keep the caller's
    # context variables alive.
    contextvars.Context().run(loop.add_reader, fd, bridge)
