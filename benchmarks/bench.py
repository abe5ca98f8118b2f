"""`make bench`: the processor's time that a message takes, and how long a function takes to start.

Each figure stands beside a reference that was measured in the same minutes, in turns with ours, and both
at an AWS and at mail servers that answer at once from other processes.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any

from benchmarks import cold, dkim, lambdas, machine, reference, scene
from benchmarks.cold import Start
from benchmarks.lambdas import Event, Run
from benchmarks.reference import Asked
from benchmarks.scene import Scene
from chalicelib.wiring import services

Figure = dict[str, float | str]
_ACCEPTED, _BATCHES, _ALONE, _PUBLISHED = 400, 25, 80, 40
"""Rounds."""
_WARM = 5
_BATCH = 10
_RECORDS = 26
_STARTS = 5
_SECOND = 1000  # ms


def main() -> None:
    print("measuring how fast it is: about a minute", flush=True)
    with scene.at_the_stub() as stage:
        figures = {
            "accept_cpu": _accept(stage),
            "deliver_cpu_in_batches_of_10": _deliver(stage, _BATCH, _BATCHES),
            "deliver_cpu_alone": _deliver(stage, 1, _ALONE),
            "publish_cpu_per_record": _publish(stage),
            **_starts(stage),
        }
    figures |= dkim.measure()
    path = machine.keep("bench.json", figures)
    print(_table(figures))
    print(f"\nwritten to {path.relative_to(machine.RESULTS.parent.parent)}")


def _accept(stage: Scene) -> Figure:
    events = (stage.submission() for _ in repeat(None))
    lambdas.accept(next(events))  # what is remembered is asked for now
    asked = reference.caught(lambda: lambdas.accept(next(events)))
    ours, bare = _in_turns(lambda: lambdas.accept(next(events)), lambda: _again(asked), _ACCEPTED)
    stage.forget_jobs()
    return _figure(ours, bare)


def _deliver(stage: Scene, size: int, rounds: int) -> Figure:
    """Ours signs as well, which the reference is spared."""
    stage.accept(size * (rounds + _WARM + 2))
    batches = stage.jobs(repeat(size))
    lambdas.deliver(next(batches))  # what is remembered is asked for now
    first = next(batches)
    asked = reference.caught(lambda: lambdas.deliver(first))
    port = int(stage.settings["MX_PORT"])
    letters = reference.letters(first)

    def bare() -> None:
        _again(asked)
        reference.send(letters, port)

    return _figure(*_in_turns(lambda: lambdas.deliver(next(batches)), bare, rounds), share=1 / size)


def _publish(stage: Scene) -> Figure:
    asked = reference.caught(lambda: stage.accept(_RECORDS))
    event = _records(asked)
    calls = reference.caught(lambda: lambdas.publish(event))
    ours, bare = _in_turns(lambda: lambdas.publish(event), lambda: _again(calls), _PUBLISHED)
    stage.forget_jobs()
    return _figure(ours, bare, share=1 / _RECORDS)


def _records(asked: Sequence[Asked]) -> Event:
    """What the stream tells of the items that were put."""
    items = [call.params["Item"] for call in asked if call.operation == "put_item"]
    images = [{"SequenceNumber": f"{number:021}", "NewImage": item} for number, item in enumerate(items, 1)]
    return {"Records": [{"eventName": "INSERT", "dynamodb": image} for image in images]}


def _starts(stage: Scene) -> dict[str, Figure]:
    """Wall time of a first invocation, from starting the interpreter."""
    asked = reference.caught(lambda: stage.accept(_STARTS))
    events: Mapping[str, Sequence[Event]] = {
        "accept": [stage.submission() for _ in range(_STARTS)],
        "deliver": list(stage.jobs([1] * _STARTS)),
        "publish": [_records(asked)] * _STARTS,
    }
    return {f"first_{name}": _start(name, each) for name, each in events.items()}


def _start(name: str, events: Sequence[Event]) -> Figure:
    work: Callable[[Event], Run] = getattr(lambdas, name)
    services.cache_clear()
    asked = reference.caught(lambda: work(events[0]))
    told = [{"service": call.service, "operation": call.operation, "asked": call.params} for call in asked]
    pairs: list[tuple[Start, Start]] = [(cold.measure(name, [event]), cold.bare(told, times=1)) for event in events]
    ours, bare = (statistics.median(start.wall for start in starts) for starts in zip(*pairs, strict=True))
    return _figure(ours, bare)


def _again(asked: Sequence[Asked]) -> None:
    for call in asked:
        call.again()


def _in_turns(ours: Callable[[], object], bare: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median processor seconds; a `Run` knows its own, without what was made ready for it."""
    taken = [(_cpu(ours), _cpu(bare)) for _ in range(rounds + _WARM)][_WARM:]
    return statistics.median(pair[0] for pair in taken), statistics.median(pair[1] for pair in taken)


def _cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    done = work()
    return done.cpu if isinstance(done, Run) else time.process_time() - begun


def _figure(ours: float, bare: float, share: float = 1) -> Figure:
    return {
        "ours": round(ours * share * _SECOND, 3),
        "reference": round(bare * share * _SECOND, 3),
        "ratio": round(ours / bare, 2),
        "unit": "ms",
    }


def _table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [f"{'':<32}{'ours':>10}{'reference':>12}{'ratio':>8}"]
    for name, figure in figures.items():
        lines.append(
            f"{name.replace('_', ' '):<32}{figure['ours']:>10}{figure['reference']:>12}{figure['ratio']:>8}"
            f"  {figure['unit']}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
