"""Side-by-side runs of `mlpc` against its peers: the same work, in one process, in turn, on one thread.

`python -m benchmarks` runs them and writes `benchmarks/results`, which the page `appendix/performance` draws. The peers
and their versions are in `benchmarks/requirements.txt`.
"""

import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[threads] = "1"  # read when numpy is imported, which is after this file
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"  # the same for JAX
os.environ.update(JAX_ENABLE_X64="1", JAX_PLATFORMS="cpu", MPLBACKEND="agg")
