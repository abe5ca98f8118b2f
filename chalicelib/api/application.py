"""A Chalice application that may be called from several threads at once."""

from contextvars import ContextVar
from typing import Any

from chalice.app import Chalice, Request


class Application(Chalice):
    """Chalice keeps the request in one attribute, shared by all threads of a process: one customer's body
    would answer another's call wherever the app is served by threads. A context variable keeps them apart.
    """

    _request: ContextVar[Request | None] = ContextVar("request", default=None)

    @property
    def current_request(self) -> Any:
        return self._request.get()

    @current_request.setter
    def current_request(self, request: Request | None) -> None:
        self._request.set(request)
