"""The documents that an operator lists, in each form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.errors import BadInput
from app.graphql.persisted import hash_of
from app.graphql.trusted import listed_by_operator, of_manifest, read_trusted

A, B, C = "{ a }", "query B { b }", "query C {\n  c\n}"


def test_folder_has_manifests_and_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    apollo = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": hash_of(A), "body": A}]}
    (tmp_path / "apollo.json").write_text(json.dumps(apollo))
    (tmp_path / "deep" / "codegen.json").write_text(json.dumps({hash_of(B): B}))
    (tmp_path / "deep" / "c.graphql").write_text(f"{C}\n")
    (tmp_path / "README.md").write_text("# Not a document")
    found = read_trusted(tmp_path)
    assert {A, B, C, f"{C}\n"} == set(found.values())
    assert all(hash_of(text) == hash_ for hash_, text in found.items())
    assert set(read_trusted(tmp_path / "deep" / "c.graphql").values()) == {C, f"{C}\n"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "1",
        json.dumps({"0" * 64: A}),
        json.dumps({hash_of(A): 1}),
        json.dumps({"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}),
        json.dumps({"format": "apollo-persisted-query-manifest", "version": 1}),
        json.dumps({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [1]}),
    ],
)
def test_manifest_that_is_none_is_refused_by_its_name(tmp_path: Path, content: str) -> None:
    with pytest.raises(BadInput):
        of_manifest(content)
    (tmp_path / "list.json").write_text(content)
    with pytest.raises(BadInput, match=r"list\.json: "):
        read_trusted(tmp_path)


def test_file_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="missing"):
        read_trusted(tmp_path / "missing")
    (tmp_path / "latin.graphql").write_bytes(b"{ a } # \xe4")
    with pytest.raises(BadInput):
        read_trusted(tmp_path)


def test_setting_is_named_by_what_it_lists_wrongly(tmp_path: Path) -> None:
    assert listed_by_operator(None) == {}
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "a.gql").write_text(A)
    assert listed_by_operator(tmp_path) == {hash_of(A): A}
    with pytest.raises(BadInput, match=r"^RUNWATCH_TRUSTED_DOCUMENTS: .*missing"):
        listed_by_operator(tmp_path / "missing")
