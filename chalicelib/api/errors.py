"""The one table from our exceptions to HTTP, and the body of every error: `{"error": code, "message": text, …}`."""

import traceback
from collections.abc import Mapping
from typing import Any

from chalice.app import Response

from chalicelib import errors, log

STATUS: Mapping[type[errors.PostscaleError], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.Unprocessable: 422,
    errors.Unavailable: 503,
    errors.Refused: 400,
    errors.Temporary: 503,
    errors.ConditionFailed: 500,
    errors.PostscaleError: 500,
}
_RETRY_SECONDS = 2
_HIDDEN = "something went wrong on our side; try again: with the Idempotency-Key of this request nothing is sent twice"


def answer(failure: Exception, request_id: str) -> Response:
    status = _status(failure)
    if isinstance(failure, errors.PostscaleError) and status < 500:
        return _response(status, failure.code, failure.message, failure.details)
    log.write("request_failed", request_id=request_id, error=repr(failure)[:200], at=_where(failure))
    code = failure.code if isinstance(failure, errors.Temporary) else "internal_error"
    return _response(status, code, _HIDDEN, {"retry_after_seconds": _RETRY_SECONDS} if status == 503 else {})


def _status(failure: Exception) -> int:
    return next((STATUS[cls] for cls in type(failure).__mro__ if cls in STATUS), 500)


def _response(status: int, code: str, message: str, details: Mapping[str, Any]) -> Response:
    headers: dict[str, str | list[str]] = {}
    if "retry_after_seconds" in details:
        headers["Retry-After"] = str(details["retry_after_seconds"])
    return Response(body={"error": code, "message": message, **details}, status_code=status, headers=headers)


def _where(failure: Exception) -> str | None:
    frames = traceback.extract_tb(failure.__traceback__)
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else None
