"""Running the server: what is refused before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import BadInput
from app.server import serving
from app.settings import Settings


async def test_dev_takes_the_folder_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "SAMPLE", tmp_path / "not installed")
    with pytest.raises(BadInput, match="--dev"):
        await serving.serve(Settings(data_dir=tmp_path / "data", port=0), dev=True)
    assert not (tmp_path / "data").exists()
