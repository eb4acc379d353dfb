"""What sockets need to know of who has signed in."""

from __future__ import annotations

from typing import Protocol, TypeVar


class SignedIn(Protocol):
    """A signed-in viewer, the credential, and when it expires (µs since the epoch; None: never).

    The end of a `session` (None: without one) can move: only `ended` knows it.
    """

    @property
    def credential(self) -> str: ...

    @property
    def expires_at(self) -> int | None: ...

    @property
    def session(self) -> str | None: ...

    @property
    def line(self) -> dict[str, str]: ...


ViewerT = TypeVar("ViewerT", bound=SignedIn)
