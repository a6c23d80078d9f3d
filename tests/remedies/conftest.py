"""One process with TensorFlow for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.remedies.harness import Programs


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    started = Programs(tmp_path_factory.mktemp("programs") / "log")
    yield started
    started.close()
