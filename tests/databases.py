"""Which databases a test runs on, where that is not both."""

import pytest

# For what is refused or answered before any statement: it is the same whatever the database.
before_any_statement = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
