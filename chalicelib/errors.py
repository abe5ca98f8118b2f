"""Every exception this program raises on purpose, as one tree.

    PostscaleError
    ├── Refused                the caller must change something; trying again as it stands is useless
    │   ├── Invalid            the request is malformed                              HTTP 400
    │   │   └── BadAddress     an address no mail system could use (RFC 5321 §4.1.2)
    │   ├── Unauthenticated    no key, or one that is not (or no longer) ours        HTTP 401
    │   ├── Forbidden          a good key, but not for this                          HTTP 403
    │   ├── NotFound           no such thing, or somebody else's                     HTTP 404
    │   ├── Conflict           it stands already, or is being made this moment       HTTP 409
    │   ├── TooLarge           more octets than this door takes                      HTTP 413
    │   └── Unprocessable      well formed, but nothing could come of it             HTTP 422
    ├── Temporary              ours, or somebody's network: the same again later may work
    │   └── Unavailable        a service that we stand on does not answer            HTTP 503
    └── ConditionFailed        a conditional write lost its race; always handled by the step that wrote

Anything else that is raised is a surprise, and a surprise is temporary: 500 at the HTTP door, 451 at
the SMTP door, another try in a worker. Each door has one table from these classes to its own language.
Expected results of talking to other people's servers are values (`outbound.outcome`), not exceptions.
"""

from collections.abc import Mapping
from typing import Any


class PostscaleError(Exception):
    """The root. `code` is stable and for programs; `message` tells a person what to do; both are public."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details: Mapping[str, Any] = details


class Refused(PostscaleError):
    code = "refused"


class Invalid(Refused):
    code = "invalid_request"


class BadAddress(Invalid):
    code = "invalid_address"


class Unauthenticated(Refused):
    code = "unauthorized"


class Forbidden(Refused):
    code = "forbidden"


class NotFound(Refused):
    code = "not_found"


class Conflict(Refused):
    code = "conflict"


class TooLarge(Refused):
    code = "payload_too_large"


class Unprocessable(Refused):
    code = "unprocessable_entity"


class Temporary(PostscaleError):
    code = "temporary"


class Unavailable(Temporary):
    code = "service_unavailable"


class ConditionFailed(PostscaleError):
    """`item` is what stands in the table instead, where the write asked to be told."""

    code = "condition_failed"

    def __init__(self, message: str, *, item: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.item = item
