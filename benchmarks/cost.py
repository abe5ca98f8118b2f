"""`make cost`: what a million messages cost on AWS, measured on the real handlers (benchmarks/README.md says how)."""

from collections.abc import Mapping

from benchmarks import (
    cold,
    cost_figures,
    cost_table,
    deployed,
    distance,
    fill,
    lambdas,
    machine,
    measured,
    model,
    scene,
    stream,
)
from benchmarks.bill import Traffic
from benchmarks.cost_figures import CASES, RATES, STORED, Found
from benchmarks.deployed import Deployed
from benchmarks.measured import Measured
from benchmarks.model import Facts
from benchmarks.scene import Scene
from benchmarks.stream import Tap

_STARTS = 3


def main() -> None:
    print("measuring what a message costs: about two minutes", flush=True)
    figures = cost_figures.of(_find())
    path = machine.keep("cost.json", figures)
    print(cost_table.text(figures))
    print(f"\nwritten to {path.relative_to(machine.RESULTS.parent.parent)}")


def _find() -> Found:
    waits = distance.measure()
    with scene.in_ministack() as (stage, packaged):
        said = deployed.read(packaged, stage.settings)
        few, many = STORED
        fill.deliveries(stage, few)
        first = _measure(stage, said, CASES)
        starts = _starts(stage, said)
        fill.deliveries(stage, many - few)
        later = _measure(stage, said, {"single": False})
        seen = stage.internet.end()
    facts = [Facts(measured=found, waits=waits, deployed=said, cold=starts) for found in (first, later)]
    traffic = Traffic(out=seen["octets_in"] / seen["messages"], back=seen["octets_out"] / seen["messages"])
    return Found(by_stored=dict(zip(STORED, facts, strict=True)), traffic=traffic)


def _measure(stage: Scene, said: Deployed, cases: Mapping[str, bool]) -> Measured:
    full = int(stream.batch_size(max(RATES.values()) * model.RECORDS, said.window, said.publish.batch_size))
    return measured.measure(stage, said.publish, full, cases)


def _starts(stage: Scene, said: Deployed) -> Mapping[str, float]:
    """Processor seconds of first invocations."""
    tap = Tap.open(stage.client("dynamodb"), stage.client("dynamodbstreams"), said.publish.table)
    events = {"accept": [stage.submission() for _ in range(_STARTS)]}
    for event in events["accept"]:
        lambdas.accept(event)
    events["deliver"] = list(stage.jobs([1] * _STARTS))
    events["publish"] = list(tap.batches(tap.records(), 1))
    starts = {name: cold.measure(name, each).cpu for name, each in events.items()}
    stage.forget_jobs()
    return starts


if __name__ == "__main__":
    main()
