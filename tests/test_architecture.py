"""The shape of the program, read from its imports and its declarations."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from chalicelib import errors
from chalicelib.api.errors import STATUS

ROOT = Path(__file__).parent.parent
OURS = [*sorted(ROOT.glob("*.py")), *(path for top in ("chalicelib", "infra", "benchmarks", "smtp_edge")
        for path in sorted((ROOT / top).rglob("*.py")))]  # fmt: skip

FORWARDS = {
    "mail": set(),
    "suppression": {"mail"},
    "events": {"mail"},
    "accounts": set(),
    "domains": {"mail", "accounts", "events"},
    "outbound": {"mail", "events", "suppression", "accounts", "domains"},
    "aws": set(),
    "net": {"mail"},
    "api": {"mail", "events", "suppression", "accounts", "domains", "outbound"},
}
"""Which package may import which; `errors`, `recent`, `log` and `settings` stand below them all."""
BELOW = {"errors", "recent", "log", "settings"}

ONLY_IN = {
    "boto3": ("chalicelib/aws/", "infra/", "benchmarks/"),
    "botocore": ("chalicelib/aws/", "infra/", "benchmarks/"),
    "chalice": ("app.py", "chalicelib/api/", "infra/"),
    "dns": ("chalicelib/net/", "infra/"),
    "socket": ("chalicelib/net/", "infra/", "benchmarks/"),
    "aiosmtpd": ("smtp_edge/", "infra/local/", "benchmarks/"),
}
WIRED = ("app.py", "smtp_edge/", "infra/", "benchmarks/")


def _imports(path: Path) -> Iterator[str]:
    """Modules that a file imports when it runs; what is there for the type checker alone does not count."""
    tree = ast.parse(path.read_text())
    unseen = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    skipped = {inner for node in unseen for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_inwards(path: Path) -> None:
    place = str(path.relative_to(ROOT))
    for module in _imports(path):
        allowed = ONLY_IN.get(module.split(".")[0])
        assert allowed is None or place.startswith(allowed), f"{place} imports {module}"
        assert not module.startswith("chalicelib.wiring") or place.startswith(WIRED), f"{place} imports the wiring"
        if place.startswith("chalicelib/") and module.startswith(("app", "smtp_edge", "infra", "tests")):
            assert module.split(".")[0] not in {"app", "smtp_edge", "infra", "tests"}, f"{place} imports {module}"


@pytest.mark.parametrize("package", sorted(FORWARDS))
def test_a_package_imports_only_what_lies_before_it(package: str) -> None:
    for path in sorted((ROOT / "chalicelib" / package).rglob("*.py")):
        for module in _imports(path):
            parts = module.split(".")
            if parts[0] == "chalicelib" and len(parts) > 1:
                assert parts[1] in {package, *FORWARDS[package], *BELOW}, f"{path.relative_to(ROOT)} imports {module}"


def test_every_package_has_a_place_in_the_order() -> None:
    packages = {path.parent.name for path in (ROOT / "chalicelib").glob("*/__init__.py")}
    assert packages <= set(FORWARDS)


def test_no_file_is_longer_than_300_lines() -> None:
    everything = [*OURS, *sorted((ROOT / "tests").rglob("*.py"))]
    assert [path.name for path in everything if len(path.read_text().splitlines()) > 300] == []


def test_only_the_settings_read_the_environment() -> None:
    readers = [path.name for path in sorted((ROOT / "chalicelib").rglob("*.py")) if "os.environ" in path.read_text()]
    assert readers == ["settings.py"]


def test_workers_are_declared_in_the_table_of_contents() -> None:
    assert [source.handler_string for source in app.app.event_sources] == [
        "app.deliver",
        "app.deliver_deferred",
        "app.publish_events",
    ]
    assert list(app.app.pure_lambda_functions) == []


def test_every_exception_has_an_answer_at_the_http_door() -> None:
    def tree(root: type[errors.PostscaleError]) -> Iterator[type[errors.PostscaleError]]:
        yield root
        for child in root.__subclasses__():
            yield from tree(child)

    ours = [cls for cls in tree(errors.PostscaleError) if cls.__module__ == "chalicelib.errors"]
    assert {cls for cls in ours if not any(base in STATUS for base in cls.__mro__)} == set()
    assert set(STATUS) <= set(ours)


def test_the_table_of_exceptions_names_every_exception() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__ or ""))
    defined = {
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert drawn | {"PostscaleError"} == defined
