"""What is shipped: locked requirements, no foreign addresses, a wheel that installs and starts."""

import hashlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("run", "dev", "build")
# Written in pieces, so that this file does not find itself.
ADDRESSES = [
    re.compile(piece, re.IGNORECASE)
    for piece in (
        r"pypi\." + r"org",
        r"python" + r"hosted\.org",
        r"registry\." + r"npm",
        r"deb\." + r"debian\.org",
        r"(archive|ports)\." + r"ubuntu\.com",
        r"proxy\." + r"golang",
        r"hugging" + r"face\.co",
        r"releases/" + r"download/",
        r"--(extra-)?index" + r"-url\b",
        r"--find" + r"-links",
        r"/opt/" + r"pypi",
        r"raw\.github" + r"usercontent",
    )
]
MACHINE = re.compile(r"(?<![\w.])/(work|root)/(main|shared|\.|[a-z]+)")
LINES_OF_LOCK = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?P<marker> ; .*)? \\$")


def read_lock(root: Path, name: str) -> dict[str, str]:
    """Pinned versions of a lock by package."""
    pins = {}
    for line in (root / "requirements" / f"{name}.txt").read_text().splitlines():
        if found := LINES_OF_LOCK.match(line):
            pins[found["name"]] = found["version"]
    return pins


def read_project(root: Path) -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", [*LOCKS, "compare"])
def test_every_line_of_a_lock_is_a_pin_with_hashes(root: Path, name: str) -> None:
    """A lock holds exact versions and SHA-256 hashes, and nothing else."""
    lines = (root / "requirements" / f"{name}.txt").read_text().splitlines()
    odd = [
        line
        for line in lines
        if not LINES_OF_LOCK.match(line) and not re.match(r"^    --hash=sha256:[0-9a-f]{64}", line)
    ]

    assert odd == []
    assert read_lock(root, name)


def test_locks_agree_with_each_other(root: Path) -> None:
    """Tests run against the very versions that users get."""
    run, dev, build = (read_lock(root, name) for name in LOCKS)

    assert {name: v for name, v in run.items() if dev.get(name) != v} == {}
    assert {name: v for name, v in build.items() if dev.get(name, v) != v} == {}


def test_locks_satisfy_what_the_project_asks_for(root: Path) -> None:
    """Every dependency is locked, in a version that pyproject.toml allows; `make lock` mends it."""
    project = read_project(root)
    groups = project["dependency-groups"]
    wanted = {
        "run": project["project"]["dependencies"],
        "dev": [one for one in groups["dev"] if isinstance(one, str)],
        "build": [*groups["build"], *project["build-system"]["requires"]],
    }
    missing = [
        f"{name}: {text}"
        for name, texts in wanted.items()
        for text in texts
        if not is_locked(Requirement(text), read_lock(root, name))
    ]

    assert missing == []


def is_locked(requirement: Requirement, lock: dict[str, str]) -> bool:
    """Whether the lock holds an allowed version."""
    version = lock.get(canonicalize_name(requirement.name))
    return version is not None and requirement.specifier.contains(version)


def test_third_party_imports_are_declared(root: Path, sources: Any) -> None:
    """Nothing is imported that only comes along by accident of another package."""
    project = read_project(root)["project"]
    texts = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    declared = {canonicalize_name(Requirement(text).name) for text in texts}
    renamed = {
        "ruamel": "ruamel-yaml", "argon2": "argon2-cffi", "pydantic_core": "pydantic",
        "ninja": "django-ninja", "jwt": "pyjwt",
        "axes": "django-axes", "vl_convert": "vl-convert-python",
        "opentelemetry": "opentelemetry-sdk",
    }  # fmt: skip
    imported = {
        (found[1], source.path)
        for source in sources
        for found in re.finditer(r"^\s*(?:from|import) (\w+)", source.text, re.MULTILINE)
        if found[1] not in sys.stdlib_module_names and found[1] != "ml_connector"
    }
    stray = [
        f"{path}: {name}"
        for name, path in imported
        if canonicalize_name(renamed.get(name, name)) not in declared
    ]

    assert sorted(stray) == []


def test_no_address_of_a_registry_or_machine_is_committed(committed: list[str], root: Path) -> None:
    """Where packages come from is the installation's business, and paths of a machine are noise."""
    found = [
        f"{path}: {pattern.pattern}"
        for path in committed
        if (text := read_text(root / path)) is not None
        for pattern in [*ADDRESSES, MACHINE]
        if pattern.search(text)
    ]

    assert found == []


def read_text(path: Path) -> str | None:
    """The text of a file; None for what is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def test_licences_that_are_not_permissive_are_noticed(root: Path) -> None:
    """NOTICE names every runtime library under a copyleft licence."""
    from importlib.metadata import PackageNotFoundError, metadata  # noqa: PLC0415 - used here only.

    notice = (root / "NOTICE").read_text()
    unnamed = []
    for name in read_lock(root, "run"):
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue  # A package of another platform.
        licence = " ".join(about.get_all("License-Expression", []) + about.get_all("License", []))
        if re.search(r"\b(L?GPL|MPL|EPL|AGPL)", licence) and f"{name}" not in notice:
            unnamed.append(name)

    assert unnamed == []


def test_ci_script_and_set_up_can_be_executed(root: Path) -> None:
    """CI calls the script by its path."""
    for name in (".ci/run", "scripts/set-up.sh", "scripts/lock.sh"):
        assert os.access(root / name, os.X_OK), name


@pytest.mark.parametrize("gap", ["python", "venv", "git"])
def test_set_up_names_the_command_when_something_is_missing(
    root: Path, tmp_path: Path, gap: str
) -> None:
    """A bare machine is told what to type, before anything is made."""
    tools = tmp_path / "bin"
    tools.mkdir()
    fake_python = "#!/bin/sh\ncase $2 in *ensurepip*) exit 1;; *print*) echo 3.11;; esac\n"
    contents = {
        "git": "#!/bin/sh\n",
        "python3": "#!/bin/sh\nexit 1\n" if gap == "python" else fake_python,
        "uname": "#!/bin/sh\necho Linux\n",
        "dirname": f"#!/bin/sh\necho {root}/scripts\n",
    }
    for name, text in contents.items():
        if name != gap:
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(root / "scripts" / "set-up.sh"), str(tmp_path / "venv"), "run"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "Type: sudo apt-get install " in done.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.long
def test_wheel_builds_the_same_twice_and_starts_where_it_is_installed(
    root: Path, tmp_path: Path
) -> None:
    """The wheel holds every file of the package, and its command is the product's."""
    first, second = (build_wheel(root, tmp_path / name) for name in ("first", "second"))
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(site), str(first)], check=True)

    assert digest(first) == digest(second)
    with zipfile.ZipFile(first) as wheel:
        names = set(wheel.namelist())
    committed = {
        str(path.relative_to(root / "src"))
        for path in (root / "src" / "ml_connector").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert committed <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]
    assert start(site, "import ml_connector; print(ml_connector.__file__)").startswith(str(site))
    assert "ml_connector.cli.main" in (site / "bin" / "ml-connector").read_text()
    assert "doctor" in start(site, "from ml_connector.cli.main import main; main()", "--help")


def build_wheel(root: Path, folder: Path) -> Path:
    """A wheel of the tree as it stands, built with the locked build requirements."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)],
        cwd=root,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def start(site: Path, code: str, *arguments: str) -> str:
    """What the code prints when only the installed wheel offers the package."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=site,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
