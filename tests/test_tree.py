"""The rules of the source tree: unique file names, no import cycles, tests in mirrored folders."""

import ast
import re
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from explorer.config import ROOT

PACKAGE = ROOT / "explorer"
FILES = sorted(PACKAGE.rglob("*.py"))


def module_name(file: Path) -> str:
    """Return the dotted name of a module, or of a package for its __init__.py."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(file): file for file in FILES}


def imported_modules(file: Path) -> set[str]:
    """Return the explorer modules that a file imports, also inside functions, but not for type checking."""
    names = set()
    nodes = [ast.parse(file.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            # `from package import module` imports the module, `from module import name` imports `module`.
            modules = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            names |= modules if len(modules) == len(node.names) else modules | {node.module}
    return names & MODULES.keys()


def by_package(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Combine the imports of the modules of each top-level package, such as explorer.audio."""
    packages = {}
    for module, imported in imports.items():
        package = top_level(module)
        packages.setdefault(package, set()).update({top_level(name) for name in imported} - {package})
    return packages


def top_level(module: str) -> str:
    """Return the top-level package of a module, or a module of the root itself."""
    return ".".join(module.split(".")[:2])


@pytest.fixture(scope="module")
def imports():
    """The explorer modules that each module imports."""
    return {name: imported_modules(file) for name, file in MODULES.items()}


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return the nodes of one cycle, or an empty list."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_two_modules_have_the_same_file_name():
    counts = Counter(file.name for file in FILES if file.name != "__init__.py")
    assert [name for name, count in counts.items() if count > 1] == []


def test_the_root_of_the_package_has_only_four_modules():
    names = {file.name for file in PACKAGE.glob("*.py")}
    assert names == {"__init__.py", "__main__.py", "config.py", "errors.py"}


def test_imports_inside_functions_are_found(imports):
    """Guard the following tests: they would pass if no imports were found."""
    assert "explorer.analysis.compare.comparison" in imports["explorer.cli.compare"]
    assert "explorer.config" in imports["explorer.cli.main"]
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []


def test_modules_have_no_import_cycle(imports):
    assert find_cycle(imports) == []


def test_top_level_packages_have_no_import_cycle(imports):
    assert find_cycle(by_package(imports)) == []


def test_the_folders_of_tests_mirror_the_package():
    """A folder of tests belongs to the package or the module of the same path; each package has one."""
    other_parts = {"assets", "benchmarks", "browser", "data", "troubles"}
    tests = ROOT / "tests"
    folders = {file.parent.relative_to(tests).parts for file in tests.rglob("test_*.py")} - {()}
    mirrors = {".".join(("explorer", *parts)) for parts in folders if parts[0] not in other_parts}
    assert mirrors - MODULES.keys() == set()
    packages = {f"explorer.{file.parent.name}" for file in PACKAGE.glob("*/__init__.py")}
    assert packages - {top_level(name) for name in mirrors} == set()


def script_imports() -> dict[Path, set[Path]]:
    """Return the modules that each of the page's modules imports; types in comments do not count."""
    found = {}
    for file in sorted((ROOT / "assets").rglob("*.js")):
        statements = re.findall(
            r'^(?:import|export)\b[^;]*?"(\.[^"]+)";', file.read_text("utf-8"), re.MULTILINE
        )
        found[file] = {(file.parent / name).resolve() for name in statements}
    return found


def test_the_modules_of_the_page_have_no_import_cycle():
    imports = script_imports()
    assert len(imports[ROOT / "assets" / "core" / "main.js"]) > 20
    assert set().union(*imports.values()) <= imports.keys()
    TopologicalSorter(imports).prepare()


def test_only_two_modules_of_the_page_set_globals():
    """Dash and Mantine look for functions in the global scope; Dash's requests are seen through `fetch`."""
    allowed = {"dash.js": {"dash_clientside", "dashMantineFunctions"}, "connection.js": {"fetch"}}
    for file in script_imports():
        assigned = re.findall(r"\b(?:window|globalThis)\.(\w+)\s*=[^=]", file.read_text("utf-8"))
        assert set(assigned) == allowed.get(file.name, set()), file
