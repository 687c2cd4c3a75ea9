"""The commands refuse what they cannot do in one line, and count their steps."""

import socket

import pytest

from booktools import __main__ as main


@pytest.fixture
def build(tmp_path, monkeypatch):
    monkeypatch.setattr(main, "BUILD", tmp_path)
    monkeypatch.setattr(main, "SITE", tmp_path / "html")
    return tmp_path


def test_serving_before_building_says_what_to_do(build):
    with pytest.raises(SystemExit, match="the site is not built yet; run: make book"):
        main.serve(8000)


def test_a_busy_port_says_how_to_name_another(build):
    (build / "html").mkdir()
    (build / "html" / "index.html").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"cannot serve on port {port} .*try another one: make serve PORT="):
            main.serve(port)


def test_a_read_only_checkout_is_one_line(build, monkeypatch):
    def refuse(dir):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(main.tempfile, "TemporaryFile", refuse)
    with pytest.raises(SystemExit, match=r"cannot write into .* \(Read-only file system\)"):
        main.book()


def test_a_port_that_does_not_exist_is_one_line(build):
    (build / "html").mkdir()
    (build / "html" / "index.html").touch()
    with pytest.raises(SystemExit, match="99999 is no port"):
        main.serve(99999)


def test_two_commands_do_not_build_at_once(build):
    with main.alone(), pytest.raises(SystemExit, match="another command is using"):
        main.book()
    with main.alone():
        assert (build / "in-use").exists()


def test_a_command_that_fails_fails_the_step():
    with pytest.raises(SystemExit, match="mlpc: the step failed"):
        main.python("booktools", "no-such-command", what="the step")


def test_steps_are_counted_and_stop_at_the_first_failure(capsys):
    def fail():
        raise main.Failed("planted")

    with pytest.raises(SystemExit, match="planted"):
        main.steps("demo", {"first": lambda: None, "second": fail, "third": lambda: None})
    said = capsys.readouterr().out
    assert "[demo 1/3] first" in said
    assert "[demo 2/3] second" in said
    assert "third" not in said
