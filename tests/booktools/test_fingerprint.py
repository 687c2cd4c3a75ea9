"""The key of a page changes with all that its numbers depend on, and with nothing else."""

import pytest

from booktools.fingerprint import page_key, sources
from booktools.frontmatter import Chapter

CHAPTER = Chapter(part="Basics", modules=(), uses=("basics",), data=("data/stream.csv",), hours=1)


@pytest.fixture
def root(tmp_path):
    files = {
        "mlpc/__init__.py": "",
        "mlpc/plots.py": "",
        "mlpc/basics/gaussians.py": "one = 1",
        "mlpc/assimilation/kalman.py": "two = 2",
        "requirements.lock": "numpy==2.0",
        "data/stream.csv": "1,2",
        "book/basics/page.md": "text",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def key(root, cells="x = 1", chapter=CHAPTER):
    return page_key(root, root / "book/basics/page.md", chapter, cells)


@pytest.mark.parametrize("name", ["mlpc/plots.py", "mlpc/basics/gaussians.py", "requirements.lock", "data/stream.csv"])
def test_key_sees(root, name):
    before = key(root)
    (root / name).write_text("changed")
    assert key(root) != before


@pytest.mark.parametrize("name", ["mlpc/assimilation/kalman.py", "book/basics/page.md", "README.md"])
def test_key_does_not_see(root, name):
    before = key(root)
    (root / name).write_text("changed")
    assert key(root) == before


def test_key_sees_the_code_of_the_page(root):
    assert key(root, cells="x = 1") != key(root, cells="x = 2")


def test_a_new_or_renamed_module_changes_the_key(root):
    before = key(root)
    (root / "mlpc/basics/gaussians.py").rename(root / "mlpc/basics/normals.py")
    assert key(root) != before


def test_an_empty_package_is_an_error_rather_than_a_constant_key(tmp_path):
    with pytest.raises(ValueError, match="no sources found"):
        sources(tmp_path, CHAPTER)


def test_missing_data_names_page_field_and_file(root):
    (root / "data/stream.csv").unlink()
    with pytest.raises(ValueError, match=r"page\.md: chapter\.data: data/stream\.csv is not a file"):
        key(root)
