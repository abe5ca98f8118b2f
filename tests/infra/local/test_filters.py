"""Lambda's filter patterns, as far as the local stack judges them."""

import pytest

from infra.local import filters

RECORD = {"eventName": "MODIFY", "dynamodb": {"NewImage": {"status": {"S": "delivered"}, "n": {"N": "1"}}}}


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ('{"eventName":["INSERT","MODIFY"]}', True),
        ('{"eventName":["REMOVE"]}', False),
        ('{"dynamodb":{"NewImage":{"status":{"S":["delivered"]}}}}', True),
        ('{"dynamodb":{"NewImage":{"status":{"S":["bounced"]}}}}', False),
        ('{"dynamodb":{"NewImage":{"status":{"S":[{"prefix":"deli"}]}}}}', True),
        ('{"dynamodb":{"NewImage":{"lease_until":[{"exists":false}]}}}', True),
        ('{"dynamodb":{"NewImage":{"lease_until":{"N":[{"exists":false}]}}}}', True),
        ('{"dynamodb":{"NewImage":{"n":[{"exists":false}]}}}', False),
        ('{"dynamodb":{"NewImage":{"n":{"N":[{"exists":false}]}}}}', False),
        ('{"dynamodb":{"OldImage":{"n":{"N":[{"exists":true}]}}}}', False),
        ('{"eventName":["MODIFY"],"dynamodb":{"NewImage":{"status":{"S":["bounced"]}}}}', False),
        ("{}", True),
    ],
)
def test_a_record_fits_when_every_leaf_holds(pattern: str, fitting: bool) -> None:
    assert filters.fits(filters.read(pattern), RECORD) is fitting


@pytest.mark.parametrize("condition", ['[{"numeric":[">",1]}]', '[{"anything-but":"x"}]', '"bare"', "[[1]]"])
def test_a_condition_that_cannot_be_judged_is_refused_at_the_start(condition: str) -> None:
    with pytest.raises(ValueError, match="cannot judge"):
        filters.read(f'{{"dynamodb":{{"n":{condition}}}}}')
