"""Nothing that the functions can use is without a price."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import meter, prices
from benchmarks.meter import Exchange
from benchmarks.prices import USD, Charge, Unpriced

AWS = Path(__file__).parents[2] / "chalicelib" / "aws"
NOTHING = Exchange(asked={}, answer={}, before={}, after={})


def called(path: Path) -> Iterator[tuple[str, str]]:
    """`clients("sqs").send_message_batch(…)`, and `_call("get_item", …)` of tables."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(args=[ast.Constant(value=str(service))]), attr=operation)
            ) if "clients" in ast.unparse(node.func):
                yield service, operation
            case ast.Call(func=ast.Attribute(attr="_call"), args=[ast.Constant(value=str(operation)), *_]):
                yield "dynamodb", operation


CALLED = sorted({call for path in AWS.glob("*.py") for call in called(path)})


def test_every_charge_has_a_price() -> None:
    assert set(USD) == set(Charge)
    assert all(price > 0 for price in USD.values())


def test_the_calls_of_the_code_are_found() -> None:
    assert {"dynamodb", "sqs", "s3", "kms", "secretsmanager", "events"} <= {service for service, _ in CALLED}
    assert ("dynamodb", "update_item") in CALLED


@pytest.mark.parametrize(("service", "operation"), CALLED)
def test_every_call_of_the_code_is_listened_to_and_has_a_rule(service: str, operation: str) -> None:
    assert service in prices.SERVICE_WAITS
    assert (service, operation.title().replace("_", "")) in meter.RULES


def test_every_service_that_is_named_in_the_code_is_listened_to() -> None:
    named = {
        node.args[0].value
        for path in AWS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and "clients" in ast.unparse(node.func)
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert named <= set(prices.SERVICE_WAITS)


def test_an_unknown_call_is_told_and_never_free() -> None:
    with pytest.raises(Unpriced, match="scheduler CreateSchedule"):
        meter.charged("scheduler", "CreateSchedule", NOTHING)
    with pytest.raises(Unpriced, match="dynamodb Scan"):
        meter.charged("dynamodb", "Scan", NOTHING)


def test_an_unknown_charge_is_told_and_never_free() -> None:
    with pytest.raises(Unpriced):
        prices.dollars({"a new thing": 1.0})  # type: ignore[dict-item]  # what a newer program might ask


def test_less_memory_takes_longer_to_compute_and_as_long_to_wait() -> None:
    assert prices.run_time(0.01, 0.1, 1769) == pytest.approx(0.11)
    assert prices.run_time(0.01, 0.1, 256) == pytest.approx(0.1 + 0.01 * 1769 / 256)
    assert prices.dollars(prices.invocation(1, 1024)) == pytest.approx(0.0000133334 + 0.2e-6)
