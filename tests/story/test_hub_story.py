"""The whole path with pretrained models, from an empty folder: the command, the app's server, and a
safety checker's verdict. The models are of the real classes and have learned nothing."""

import json

import pytest
from starlette.testclient import TestClient

from mmcourse import cli
from mmcourse.story import abilities as a
from mmcourse.story import commands
from mmcourse.story.app import jobs
from mmcourse.story.app.server import create
from mmcourse.story.app.team import voiced_team
from mmcourse.story.app.work import Desk, work
from mmcourse.story.backends import hub_chat
from mmcourse.story.backends.fake import FakeIllustrator, fake_backend
from mmcourse.story.backends.parts import Parts
from mmcourse.story.framework import Storyteller, run
from mmcourse.story.library import Library
from mmcourse.story.safety import HELD_BACK, faults
from mmcourse.story.story import Picture, Settings
from mmcourse.story.team import Team

KINDS = {"encoder": "clip", "captioner": "blip2", "answerer": "llava", "writer": "qwen"}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """A dozen tokens and small pictures: models that learned nothing never come to an end."""
    for name in ("STORY_TOKENS", "READ_TOKENS", "ANSWER_TOKENS"):
        monkeypatch.setattr(hub_chat, name, 12)
    for module in (commands, jobs):
        monkeypatch.setattr(module, "SIZE", 32)


@pytest.fixture
def asked(hub_folders):
    """What is typed after --backend for a pipeline of one kind and everybody else."""

    def words(pipeline):
        named = [f"{part}={hub_folders(kind)}" for part, kind in KINDS.items()]
        return [*named, f"illustrator={hub_folders(pipeline)},steps=1"]

    return words


def test_from_an_empty_folder_a_story_with_pictures(asked, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    named = [word for model in asked("checked") for word in ("--backend", model)]
    told = ("story", "a fox on the beach", "--scenes", "2", "--out", "story.zip", "--json")
    monkeypatch.setattr("sys.argv", ["mmcourse", *told, *named])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    said, _ = capsys.readouterr()
    report = json.loads(said.splitlines()[-1])
    assert [f.name for f in tmp_path.iterdir()] == ["story.zip"]
    assert len(report["scenes"]) == 2
    for scene in report["scenes"]:
        assert scene["by"] == {"writer": "hub", "extractor": "hub"}
        assert (scene["safety"], scene["accepted"]) == ("ok", True)
    from mmcourse.story.export.archive import load

    library = Library(":memory:")
    story = load(tmp_path / "story.zip", library)  # what was taken along keeps the verdict
    picture = story.path()[0].picture
    assert (picture.safety, picture.drawn.backend, picture.checked.backend) == ("ok", "hub", "hub")
    assert picture.drawn.revision == "checked@unpinned"
    assert picture.staging == ""
    library.close()


@pytest.mark.parametrize(("pipeline", "safety"), [("checked", "ok"), ("held_back", "flagged")])
def test_the_apps_server_shows_the_verdict(asked, pipeline, safety):
    desk = Desk(Library(":memory:"), lambda: voiced_team(*asked(pipeline)))
    browser = TestClient(create(desk))
    browser.get("/")
    reader = desk_reader(browser)
    steps = list(work(desk, reader, {"do": "start", "prompt": "a fox", "seed": 1}))
    assert steps[-1]["kind"] == "recorded", steps[-1]
    page = steps[-1]["story"]["nodes"][str(steps[-1]["story"]["current"])]
    picture = page["picture"]
    assert picture["safety"] == safety
    assert picture["failed"] == (
        1 if safety == "flagged" else 0
    )  # drawn again, and held back again
    assert (picture["alt"] == HELD_BACK) == (safety == "flagged")
    checks = {f["what"]: f["passed"] for f in picture["findings"]}
    assert checks["safety checker"] == (safety == "ok")
    png = browser.get(f"/picture/{picture['hash']}.png")
    assert (png.status_code, png.headers["content-type"]) == (200, "image/png")
    kept = desk.library.open(steps[-1]["story"]["id"], reader).path()[0].picture
    assert (kept.safety, kept.accepted) == (safety, safety == "ok")
    asked_of_it = {"do": "ask", "story": steps[-1]["story"]["id"], "scene": page["id"]}
    answer = list(work(desk, reader, {**asked_of_it, "question": "what colour is it"}))[-1]
    assert (answer["kind"], answer["credit"]["who"]) == (
        "answer",
        "pretrained models (llava@unpinned)",
    )
    assert picture["drawn"]["who"] == f"pretrained models ({pipeline}@unpinned)"
    views = list(work(desk, reader, {**asked_of_it, "do": "views"}))[-1]
    assert (views["kind"], "own pen" in views["message"]) == ("refused", True)
    desk.library.close()


def desk_reader(browser):
    """Who the server takes this browser for."""
    from mmcourse.story.app.readers import COOKIE, reader_of

    return reader_of(browser.cookies[COOKIE])


class Suspected(FakeIllustrator):
    """Its first tries are held back."""

    tries = 0

    def draw(self, request):
        """The fake's picture, with a verdict."""
        Suspected.tries -= 1
        for step in super().draw(request):
            flagged = "flagged" if Suspected.tries >= 0 else "ok"
            yield a.Drawn(step.picture, flagged) if isinstance(step, a.Drawn) else step


@pytest.mark.parametrize(
    ("tries", "safety", "failed"), [(0, "ok", 0), (1, "ok", 1), (9, "flagged", 1)]
)
def test_what_is_held_back_is_drawn_again_and_shown_only_if_all_was(library, tries, safety, failed):
    Suspected.tries = tries
    makers = {**fake_backend().makers, "illustrator": ("1", Suspected)}
    teller = Storyteller(library, Team([Parts("fake", "a stand-in", makers)]))
    picture = run(teller.start(prompt="a fox")).path()[0].picture
    assert (picture.safety, len(picture.failed)) == (safety, failed)
    assert (picture.alt == HELD_BACK) == (safety == "flagged")
    assert all(p.safety == "flagged" for p in picture.failed)


def test_a_picture_that_was_held_back_says_nothing_of_anybodys_looks(library):
    from mmcourse.story.memory import first_seen

    Suspected.tries = 9
    makers = {**fake_backend().makers, "illustrator": ("1", Suspected)}
    story = run(
        Storyteller(library, Team([Parts("fake", "a stand-in", makers)])).start(prompt="fox")
    )
    assert first_seen(story, story.state().characters[0]) is None


def test_the_worlds_pen_writes_and_a_pipeline_draws(hub_folders, library):
    team = voiced_team(f"illustrator={hub_folders('checked')},steps=1")
    teller = Storyteller(library, team)
    told = run(teller.start(prompt="a fox finds a lantern", settings=Settings(size=32)))
    page = told.path()[0]
    assert page.staging  # the pen plans its scene; the pipeline was told words, and drew another
    assert (page.picture.staging, page.picture.accepted) == ("", True)
    assert (page.picture.checked.backend, page.picture.failed) == ("hub", ())
    seen = teller.ask(told, "who is here?")[0]  # nobody answers from a plan that was not drawn
    assert seen.text


def test_a_picture_with_faults_is_rather_shown_than_one_that_was_held_back():
    wrong = a.Finding("new picture", False)
    drawn = a.Credit("illustrator", "hub")
    held = Picture("1", "", 0, (1, 1), "flat", drawn, findings=(wrong,), safety="flagged")
    faulty = Picture("2", "", 1, (1, 1), "flat", drawn, findings=(wrong, wrong), safety="ok")
    assert min((held, faulty), key=faults) is faulty
