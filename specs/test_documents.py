"""GraphQL over HTTP as its audits have it."""

from __future__ import annotations

import json

from specs.clients import Node
from specs.conftest import before_any_statement
from specs.harness.driver import Runwatch


@before_any_statement
def test_document_001_audits_of_graphql_over_http(runwatch: Runwatch, node: Node) -> None:
    """Every audit of the npm package graphql-http MUST pass, those of a SHOULD or MAY too."""
    process = node.start("audits.mjs", f"{runwatch.url}/graphql", runwatch.admin)
    output, _ = process.communicate(timeout=60)
    results = [json.loads(line) for line in output.splitlines()]
    assert [each for each in results if each["status"] != "ok"] == []
    assert len(results) == 61
