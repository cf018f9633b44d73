"""`mmcourse story` and `mmcourse app` on the command line."""

import json
import socket

import pytest

from mmcourse import cli
from mmcourse.story.app import serving
from mmcourse.story.commands import Bar
from mmcourse.story.loop import Event


@pytest.fixture
def mmcourse(monkeypatch, capsys):
    """Run the command line in this process: status, output, errors."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["mmcourse", *map(str, arguments)])
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
        return status, *capsys.readouterr()

    return run


def test_a_story_is_told_to_the_terminal(mmcourse) -> None:
    status, out, err = mmcourse("story", "a fox finds a lantern on the beach", "--scenes", 2)
    assert (status, err) == (0, "")
    title, _, text = out.partition("\n\n")
    assert title
    assert "lantern" in text
    assert len(text.strip().split("\n\n")) == 2


def test_the_same_seed_tells_the_same_story_to_programs(mmcourse) -> None:
    arguments = ("story", "a fox", "--scenes", 1, "--json", "--style", "neon")
    told = [json.loads(mmcourse(*arguments, "--seed", seed)[1]) for seed in (1, 1, 2)]
    for one in told:
        assert one.pop("seconds") > 0
    assert told[0] == told[1]
    assert told[0]["scenes"] != told[2]["scenes"]
    assert all(s["picture"] and s["alt"] and s["accepted"] for s in told[0]["scenes"])
    assert told[0]["scenes"][0]["by"]["writer"] == "world"
    assert told[0]["style"] == "neon"


@pytest.mark.parametrize("ending", ["html", "zip"])
def test_a_copy_is_written_by_its_ending(mmcourse, tmp_path, ending) -> None:
    out = tmp_path / f"story.{ending}"
    status, said, _ = mmcourse("story", "a fox", "--scenes", 1, "--out", out)
    assert status == 0
    assert str(out) in said
    assert out.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--out", "story.doc"), "html"),
        (("--out", "nowhere/story.html"), "no folder"),
        (("--style", "oil"), "oil"),
        (("--voice", "loud"), "loud"),
        (("--backend", "oracle"), "oracle"),
        (("--scenes", "0"), "scenes"),
        (("--out", "~/nowhere/story.html"), "no folder"),
    ],
)
def test_what_a_user_can_mend_is_said(mmcourse, tmp_path, monkeypatch, arguments, named) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = mmcourse("story", "a fox", *arguments)
    assert (status, out) == (2, "")
    assert named in err
    assert not [*tmp_path.iterdir()]


def test_the_bar_is_for_people(capsys) -> None:
    Bar(False).show(Event("drawing", "Drawing", 0.5))
    assert capsys.readouterr().err == ""
    bar = Bar(True)
    bar.show(Event("drawing", "Drawing", 0.5))
    line = capsys.readouterr().err
    assert f"[{'#' * 15}{'.' * 15}]  50% Drawing" in line
    bar.show(Event("drawing", "Drawing", 0.5))
    assert capsys.readouterr().err == ""  # a line that has not changed is not written again


def test_the_app_says_when_its_port_is_taken(mmcourse, tmp_path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, _, err = mmcourse("app", "--port", port, "--library", tmp_path / "s.db")
    assert status == 2
    assert f"port {port} is in use" in err


def test_who_is_asked_first_and_who_does_it_instead_is_said(mmcourse) -> None:
    _, said, _ = mmcourse("story", "a fox", "--scenes", 1, "--backend", "tiny", "--json")
    scene = json.loads(said)["scenes"][0]
    assert scene["by"] == {"writer": "tiny", "extractor": "tiny"}
    assert "extractor" not in scene["why"]


def test_a_pretrained_model_tells(mmcourse, hub_folders) -> None:
    named = "writer=" + hub_folders("qwen")
    status, said, wrong = mmcourse("story", "a fox", "--scenes", 1, "--backend", named, "--json")
    assert status == 0, wrong
    by = json.loads(said)["scenes"][0]["by"]
    assert (by["writer"], by["extractor"]) == ("hub", "world")


@pytest.mark.parametrize("backend", ["hub", "dancer=x/y", "writer="])
def test_a_model_for_nothing_is_refused_in_a_line(mmcourse, backend) -> None:
    status, _, wrong = mmcourse("story", "a fox", "--backend", backend)
    assert (status, wrong.count("\n")) == (2, 1)
    assert "--backend writer=Qwen" in wrong


def test_a_model_that_is_not_here_is_refused_at_once(mmcourse, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    status, _, wrong = mmcourse(
        "story", "a fox", "--scenes", 1, "--backend", "writer=owner/nowhere"
    )
    assert (status, wrong.count("\n")) == (2, 1)
    assert "use a folder that holds the model, or the backends" in wrong


def test_without_a_port_the_next_free_one_is_taken() -> None:
    first, second = serving.bound("127.0.0.1", None), serving.bound("127.0.0.1", None)
    with first, second:
        first.listen()
        assert second.getsockname()[1] > 7859


def test_the_app_serves_this_machine_alone_unless_told(monkeypatch, tmp_path) -> None:
    seen = {}

    class Server:
        def __init__(self, config):
            seen["app"] = config.app

        def run(self, sockets):
            seen["host"] = sockets[0].getsockname()[0]
            sockets[0].close()

    monkeypatch.setattr("uvicorn.Server", Server)
    said = []
    serving.serve(tmp_path / "s.db", port=0, browser=False, say=said.append)
    assert seen["host"] == "127.0.0.1"
    assert len(said) == 1
    serving.serve(tmp_path / "s.db", host="0.0.0.0", port=0, browser=False, say=said.append)
    assert seen["host"] == "0.0.0.0"
    assert "other machines" in said[-1]


def test_a_copy_may_be_in_the_home_folder(mmcourse, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    status, _, _ = mmcourse("story", "a fox", "--scenes", 1, "--out", "~/b.html")
    assert (status, (tmp_path / "b.html").is_file()) == (0, True)


@pytest.mark.parametrize("port", [-1, 99_999])
def test_a_port_that_is_none_is_said(mmcourse, port) -> None:
    status, _, err = mmcourse("app", "--no-browser", "--port", port)
    assert status == 2
    assert f"port is {port}, expected a whole number, 0 to 65535" in err


def test_without_a_home_the_library_is_asked_for(monkeypatch) -> None:
    def nowhere(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.expanduser", nowhere)
    with pytest.raises(ValueError, match="whose home that is is not known"):
        serving.home()
