"""What building a graph must not do: use the network, start training, take all memory."""

from __future__ import annotations

from typing import Any, Iterable, NoReturn

from .problem import Stop

NETWORK_MESSAGE = "no downloads while ckptdoctor builds a graph"


def forbid_network() -> None:
    """From now on, every connection but one to a local socket fails."""
    import socket

    connect = socket.socket.connect

    def refuse(self: Any, address: Any) -> Any:
        if self.family == getattr(socket, "AF_UNIX", None):
            return connect(self, address)
        raise OSError(NETWORK_MESSAGE)

    def refuse_name(*args: Any, **kwargs: Any) -> NoReturn:
        raise OSError(NETWORK_MESSAGE)

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse_name


_stopped: list[tuple[Any, str, Any]] = []


def replace(owner: Any, name: str, replacement: Any) -> None:
    """From now on, a program that calls a class's method calls another one, until `lift_stops`."""
    _stopped.append((owner, name, vars(owner).get(name)))
    setattr(owner, name, replacement)


def stop_at(owner: Any, names: Iterable[str]) -> None:
    """From now on, a program that calls one of a class's methods has built its graph."""
    for name in names:
        if hasattr(owner, name):
            replace(owner, name, _stopping(name))


def lift_stops() -> None:
    """Puts the methods back: the graph is built, and an owner's own code is to run."""
    while _stopped:
        owner, name, original = _stopped.pop()
        if original is None:  # it was inherited
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def _stopping(name: str) -> Any:
    def stop(*args: Any, **kwargs: Any) -> NoReturn:
        raise Stop(f"the program calls {name}")

    return stop


def limit_memory(size: int) -> None:
    """A graph that allocates without bound gets a MemoryError, and not the whole machine."""
    try:
        import resource

        # Address space is reserved freely by TensorFlow; what counts is what can be written to.
        resource.setrlimit(resource.RLIMIT_DATA, (size, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    except (ImportError, ValueError, OSError):
        pass
