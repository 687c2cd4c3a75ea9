"""What every test shares: one thread, one fixed and one rotating seed, a repeatable hypothesis, types on or off."""

import datetime
import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[threads] = "1"  # for torch and for subprocesses
os.environ.setdefault("MLPC_SEED", datetime.datetime.now(datetime.UTC).strftime("%Y%m%d"))  # xdist's workers inherit it

import hypothesis  # noqa: E402
import jaxtyping  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import threadpoolctl  # noqa: E402

threadpoolctl.threadpool_limits(1)  # for numpy, which a plugin of pytest imports before this file is read

SEEDS = tuple(dict.fromkeys((0, int(os.environ["MLPC_SEED"]))))

hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("default"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_report_header() -> str:
    return f"seeds: {', '.join(map(str, SEEDS))} (the last is today's; MLPC_SEED={SEEDS[-1]} repeats it)"


@pytest.fixture
def seeds() -> tuple[int, ...]:
    return SEEDS


@pytest.fixture(params=SEEDS, ids="seed{}".format)
def seed(request: pytest.FixtureRequest) -> int:
    """The fixed seed, then the one that changes every day."""
    return request.param


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shapes in annotations unchecked, as for readers, so that the package's own messages are seen."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
