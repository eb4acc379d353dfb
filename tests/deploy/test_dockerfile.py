"""Dockerfile: checked packages, a small image, no rights, and signals that arrive."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib

from devtools.page import MADE
from specs.harness.compose import ROOT, compose, dockerfile, health_check, last
from specs.harness.servers import free_port


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for name, rest in dockerfile():
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


def commands(stage: list[tuple[str, str]]) -> list[str]:
    return [part.strip() for name, rest in stage if name == "RUN" for part in rest.split("&&")]


def test_every_package_is_checked_by_its_hash() -> None:
    page, build, final = stages()
    installs = [command for stage in (page, build) for command in commands(stage)]
    installs = [command for command in installs if "pip" in command and " install " in command]
    assert len(installs) == 4
    for command in installs:
        # Our own wheel has no hash; without an index it brings nothing with it.
        checked = "--require-hashes --only-binary :all:" in command or "--no-deps --no-index" in command
        assert checked, command
    assert not [command for command in commands(final) if "pip" in command or "apt" in command]


def test_copied_files_exist_and_are_not_ignored() -> None:
    page, build, final = stages()
    copies = [rest.split()[:-1] for stage in (page, build) for name, rest in stage if name == "COPY"]
    copied = {word for words in copies if not words[0].startswith("--from") for word in words}
    for name in copied:
        assert (ROOT / name).exists(), name
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*", "nothing else, whatever lies there: .env, data"
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(copied)
    made = {line for line in lines if line.startswith("dashboard/")}
    assert made == {f"dashboard/{name}" for name in MADE}, "built in the image, not taken from here"
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    assert {*project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]} <= copied
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= copied
    assert [rest for name, rest in final if name == "COPY"] == ["--from=build /opt/runwatch /opt/runwatch"]


def test_the_page_is_built_by_what_the_wheel_is_built_with() -> None:
    page, build, _ = stages()
    assert commands(page)[-1] == "/opt/node/bin/python -m devtools.page"
    assert ("COPY", "--from=page /src/dashboard/dist dashboard/dist") in build
    # What its stamp is of must be the same in both: the build of the wheel compares it.
    of_page, of_build = ({rest.split()[-2] for name, rest in stage if name == "COPY"} for stage in (page, build))
    assert "dashboard" in of_page & of_build


def test_all_stages_have_the_same_python() -> None:
    images = [stage[0][1].split()[0] for stage in stages()]
    assert len({*images}) == 1, "a virtual environment holds for the Python that made it"


def test_server_runs_without_rights_and_gets_its_signals() -> None:
    *_, final = stages()
    instructions = [name for name, _ in final]
    assert last("USER") == "runwatch"
    assert instructions.count("USER") == 1
    assert "RUN" not in instructions[instructions.index("USER") :]
    assert "ENTRYPOINT" not in instructions
    # A list, not a text: no shell in between, which would keep signals to itself.
    assert json.loads(last("CMD")) == compose()["services"]["runwatch"]["command"]


def test_the_health_check_fails_where_nothing_answers() -> None:
    program, *words = health_check()
    assert program == "python"
    environment = {"RUNWATCH_PORT": str(free_port())}
    done = subprocess.run([sys.executable, *words], env=environment, capture_output=True)
    assert done.returncode == 1
    assert b"ConnectionRefused" in done.stderr
