"""Write `requirements.lock` (everything) and `binder/requirements.lock` (what Binder installs) from pyproject.toml.

    python -m booktools.lock        needs uv; run by `make lock` after a change of dependencies

One resolution serves every Python and system that the project supports, with the hash of every file. torch stands
without a hash, since its builds differ from index to index, and the CUDA packages that its Linux build on the default
index asks for are left to pip.
"""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNHASHED = re.compile(r"(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==")


def compile_lock(extra: str, path: Path, *options: str) -> None:
    command = ["uv", "pip", "compile", "pyproject.toml", "--extra", extra, "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--quiet", *options]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    packages = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)
    kept = [package for package in packages if not UNHASHED.match(package)]
    torch = [package.split()[0] + "\n" for package in packages if package.startswith("torch==")]
    path.write_text(
        "".join([f"# made by `make lock`: the extra {extra!r} of pyproject.toml\n", *kept, *torch]), "utf-8"
    )


if __name__ == "__main__":
    compile_lock("test", ROOT / "requirements.lock")
    compile_lock("binder", ROOT / "binder" / "requirements.lock", "--constraint", str(ROOT / "requirements.lock"))
