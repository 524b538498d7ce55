"""Many machines: the same clients and executors, with their work carried out by a cluster."""

from __future__ import annotations

from typing import TypedDict

from graphbit import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self


class MemberStatus(TypedDict):
    """One member as this process sees it."""

    name: str
    address: str
    connected: bool
    draining: bool
    slots: int  # pieces of work that it does at once
    window: int  # of these, how many it takes from this process now
    in_flight: int  # of these, how many are in use
    labels: list[str]
    callables: list[str]  # functions that it runs (`graphbit node --python`)


class Cluster:
    """This process's door to a cluster of ``graphbit node`` members.

        cluster = Cluster(seeds=["a:4711"], ca="ca.pem", cert="me.pem", key="me.key")
        executor = Executor(config, cluster=cluster)
        client = LlmClient(config, cluster=cluster)

    There is no head node: this process owns its work and dials the members; seeds only introduce
    them. Without certificates only members on this machine's loopback are dialled. Links are made
    at first use, and again whenever they break. Each piece of work gets exactly one answer; a call
    may reach a provider twice only when its member died or was cut off before the answer came.

    Members use the API keys of their own environment. ``share_credentials=True`` sends this
    process's keys to them, over mutual TLS only.
    """

    __slots__ = ("__weakref__", "_native")

    def __init__(
        self,
        seeds: Sequence[str],
        ca: str | None = None,
        cert: str | None = None,
        key: str | None = None,
        *,
        name: str = "graphbit",
        weight: int = 1,
        labels: Sequence[str] = (),
        share_credentials: bool = False,
        outage_max_s: float = 60.0,
        heartbeat_s: float = 0.5,
        pause_max_s: float = 1.0,
    ) -> None:
        """``seeds``: members as "HOST:PORT". ``ca``, ``cert``, ``key``: PEM files, all or none.

        ``name``: the cluster's. ``weight``: this process's share of busy members beside other
        owners', 1 to 1000. ``labels``: only members that have all of them. ``outage_max_s``: work
        fails when no member could be reached for so long. ``heartbeat_s``: how often both ends of
        a link say that they live; the same as the members' ``--heartbeat``. ``pause_max_s``: silence
        beyond the usual after which a member is taken for dead and its work goes elsewhere; more
        than the members' ``--pause-max``.

        Raises ValueError for settings that cannot work, at first use.
        """
        self._native = _core.Cluster(
            seeds,
            ca,
            cert,
            key,
            name,
            weight,
            labels,
            share_credentials,
            outage_max_s,
            heartbeat_s,
            pause_max_s,
        )

    def wait(self, members: int = 1, timeout_s: float = 10.0) -> None:
        """Waits until so many members are connected; TimeoutError when they are not in time."""
        if not self._native.wait(members, timeout_s):
            raise TimeoutError(f"{members} members were not connected within {timeout_s} s")

    def members(self) -> list[MemberStatus]:
        """The members that this process knows."""
        return self._native.members()

    def function(self, function: Callable[..., Any] | str) -> Callable[..., Any]:
        """A function that runs on members, for transforms, tools and conditions.

        ``function``, or its name "module.function", must be in a module that members were started
        with: ``graphbit node --python module``. Arguments and results travel as JSON. A call blocks
        (freeing the GIL); it raises ConnectionError when no member can be reached and ValueError
        when none of them has the function.
        """
        name = (
            function
            if isinstance(function, str)
            else f"{function.__module__}.{function.__qualname__}"
        )
        native = self._native

        def call(*args: Any, **kwargs: Any) -> Any:
            return native.call(name, {"args": list(args), "kwargs": kwargs})

        call.__name__ = call.__qualname__ = name.rpartition(".")[2]
        call.__doc__ = getattr(function, "__doc__", None)
        return call

    def close(self) -> None:
        """Ends all links; work that is open fails. The next use opens them again."""
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def share_limits(store: str) -> None:
    """Holds the limits of provider keys together with all processes that name the same store.

        share_limits("limits.db")                        # the processes of one machine
        share_limits("postgresql://user@host/database")  # of several

    From now on the clients that this process makes use of their configuration's ``rpm``, ``tpm`` and
    ``max_in_flight`` only what they have leased from the store: together all processes never pass a
    limit. Shares last 10 s and are renewed; a process that cannot reach the store stops when its share
    ends. Requests are evenly paced, without bursts, and what one process gives up another gets only
    after a minute. Clients made before, and configurations without limits, stay as they are. Clients of
    a ``Cluster`` share by their members' ``--limits-store`` instead.

    Raises ValueError for a store that cannot be, ConnectionError for one that cannot be reached.
    """
    _core.share_limits(store)
