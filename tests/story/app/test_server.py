"""The server: keys, what it refuses, and Gradio's queue with two readers at once."""

import gc
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlparse

import pytest
from starlette.testclient import TestClient

from mmcourse.story.app import server
from mmcourse.story.app.readers import COOKIE
from mmcourse.story.app.work import Desk


class Reader:
    """A browser, as far as the server can tell."""

    def __init__(self, address: str) -> None:
        self.address = address
        with urllib.request.urlopen(address) as first:
            self.cookie = first.headers["Set-Cookie"].split(";")[0]

    def send(self, path, data=None, raw=None):
        """Post (or, without data, get); status and what came."""
        body = raw if raw is not None else None if data is None else json.dumps(data).encode()
        headers = {"Cookie": self.cookie, "Content-Type": "application/json"}
        request = urllib.request.Request(self.address + path, body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def quick(self, name, **sent):
        """What is done at once."""
        return json.loads(self.send(f"/do/{name}", sent)[1])

    def give(self, **job):
        """A job into the queue; its event."""
        status, content = self.send("/gradio/gradio_api/call/work", {"data": [job]})
        assert status == 200, content
        return json.loads(content)["event_id"]

    def follow(self, event):
        """The stream of a job: an open connection."""
        there = http.client.HTTPConnection(urlparse(self.address).netloc, timeout=30)
        there.request(
            "GET", f"/gradio/gradio_api/call/work/{event}", headers={"Cookie": self.cookie}
        )
        return there, there.getresponse()

    def work(self, **job):
        """All signs of a job."""
        there, answer = self.follow(self.give(**job))
        lines = answer.read().decode().split("\n\n")
        there.close()
        pairs = [x.split("\ndata: ", 1) for x in lines if "\ndata: " in x]
        signs = [json.loads(d)[0] for event, d in pairs if event == "event: generating"]
        assert signs.pop() is None  # the end of a job, which Gradio keeps, and the page skips
        return signs


@pytest.fixture
def readers(served, slow):
    return Reader(served[0]), Reader(served[0])


@pytest.fixture
def client(desk: Desk):
    """A browser before a server without a queue."""
    return TestClient(server.create(desk))


def test_the_first_page_gives_a_key_and_lets_nothing_in_from_elsewhere(client) -> None:
    first = client.get("/")
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "default-src 'self'" in first.headers["content-security-policy"]
    assert "unsafe" not in first.headers["content-security-policy"]
    key = client.cookies[COOKIE]
    client.get("/")
    assert client.cookies[COOKIE] == key
    client.cookies.clear()
    forged = {"cookie": f"{COOKIE}=../../etc"}
    assert client.post("/do/hello", headers=forged).status_code == 400


def test_a_reader_is_not_known_by_the_key_itself(desk, client) -> None:
    client.get("/")
    client.post("/do/tell", json={"likes": {"style": "neon"}})
    stored = desk.library.database.rows("SELECT reader FROM preferences")[0][0]
    assert stored != client.cookies[COOKIE]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "evil.example"}, 400),
        ({"origin": "http://testserver"}, 200),
    ],
)
def test_other_sites_pages_are_refused(client, headers, status) -> None:
    client.get("/")
    assert client.post("/do/hello", json={}, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/do/dance", "{}"),
        ("/do/open", "{}"),
        ("/do/open", '{"story": "x"}'),
        ("/do/hello", "[]"),
        ("/do/hello", "{"),
        ("/do/read", json.dumps({"text": "x" * 300_000})),
        ("/upload", "this is no picture"),
    ],
)
def test_what_cannot_be_done_is_one_line(client, path, sent) -> None:
    client.get("/")
    answer = client.post(path, content=sent)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["refused"]


def test_without_a_key_there_is_nothing(client) -> None:
    for path in ("/do/hello", "/upload", "/stop"):
        assert client.post(path, content="{}").status_code == 400
    assert client.get("/made/x").status_code == 400


def test_pictures_and_things_are_their_readers(desk, do, story, client) -> None:
    hash = story["nodes"][str(story["current"])]["picture"]["hash"]
    token = desk.made.keep("ann", b"x", "text/plain", "a b é.txt")
    client.get("/")
    assert client.get(f"/picture/{hash}.png").status_code == 400
    assert client.get(f"/made/{token}").status_code == 400
    assert server.reader_of(client.cookies[COOKIE]) != "ann"


def test_a_readers_own_picture_comes_byte_for_byte(desk, do, client) -> None:
    client.get("/")
    me = server.reader_of(client.cookies[COOKIE])
    told = do({"do": "start", "prompt": "a fox", "seed": 1}, reader=me)["story"]
    hash = told["nodes"][str(told["current"])]["picture"]["hash"]
    answer = client.get(f"/picture/{hash}.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == desk.library.png(hash)


def test_what_was_made_goes_when_there_is_too_much(desk) -> None:
    desk.made.most = 250
    tokens = [desk.made.keep("ann", bytes(100), "x") for _ in range(4)]
    kept = [t for t in tokens if t in desk.made._things]
    assert kept == tokens[2:]


def test_the_worlds_own_pictures_are_drawn_when_asked_for(client) -> None:
    for what in ("invitation-0", "invitation-11", "style-neon", "mood-sad", "hero"):
        answer = client.get(f"/world/{what}.png")
        assert answer.content[:4] == b"\x89PNG", what
    for what in ("invitation-12", "style-oil", "mood-", "x", "hero.png?species=dragon"):
        assert client.get(f"/world/{what}.png").status_code in (400, 404), what


@pytest.mark.parametrize(
    "path",
    [
        "/gradio/",
        "/gradio/config",
        "/gradio/gradio_api/info",
        "/gradio/gradio_api/file=/etc/passwd",
        "/gradio/gradio_api/proxy=http://example.org",
        "/gradio/gradio_api/queue/join",
        "/gradio/gradio_api/cancel",
        "/page/../server.py",
        "/page/%2e%2e/server.py",
    ],
)
def test_nothing_else_of_gradio_can_be_reached(readers, path) -> None:
    assert readers[0].send(path)[0] in (400, 404)
    assert readers[0].send("/gradio/gradio_api/upload", {})[0] == 404


def test_two_readers_at_once_and_one_is_killed(readers, slow) -> None:
    """Ann's browser dies in the middle of her page; Bob, who waits, gets his, and only his."""
    ann, bob = readers
    slow.steps = 100
    event = ann.give(do="start", prompt="ann's secret fox", id="1")
    there, answer = ann.follow(event)
    seen = b""
    while b"drawing" not in seen:
        seen += answer.read1()
    done = {}
    waiting = threading.Thread(
        target=lambda: done.update(bob=bob.work(do="start", prompt="a bear"))
    )
    waiting.start()
    there.sock.close()
    answer.close()
    slow.steps = 0
    waiting.join(20)
    signs = done["bob"]
    assert signs[-1]["kind"] == "recorded"
    assert "secret" not in json.dumps(signs)
    deadline = time.monotonic() + 5
    while slow.at_work and time.monotonic() < deadline:
        time.sleep(0.02)
    assert slow.at_work == 0
    assert ann.quick("hello")["shelf"] == []
    assert len(bob.quick("hello")["shelf"]) == 1
    story = signs[-1]["story"]
    picture = story["nodes"][str(story["current"])]["picture"]["hash"]
    assert bob.send(f"/picture/{picture}.png")[0] == 200
    assert ann.send(f"/picture/{picture}.png")[0] == 400
    assert ann.quick("open", story=story["id"]) == {
        "refused": f"there is no story '{story['id']}' on this shelf"
    }


def test_a_job_stops_within_a_second(readers, slow) -> None:
    ann, _ = readers
    slow.steps = 1000
    there, answer = ann.follow(ann.give(do="start", prompt="a fox", id="stop me"))
    seen = b""
    while b"drawing" not in seen:
        seen += answer.read1()
    begun = time.monotonic()
    ann.send("/stop", {"job": "stop me"})
    rest = answer.read()
    assert time.monotonic() - begun < 1
    assert b"stopped" in rest
    there.close()
    assert ann.quick("hello")["shelf"] == []


def test_stories_are_told_one_at_a_time(readers, slow) -> None:
    slow.steps = 20
    most = []
    threads = [
        threading.Thread(target=r.work, kwargs={"do": "start", "prompt": "x"}) for r in readers
    ]
    for thread in threads:
        thread.start()
    while any(t.is_alive() for t in threads):
        most.append(slow.at_work)
        time.sleep(0.01)
    assert max(most) == 1


def test_the_line_has_an_end(readers, slow) -> None:
    ann, _ = readers
    slow.steps = 1000
    running, answer = ann.follow(ann.give(do="start", prompt="x", id="long"))
    answer.read1()
    refused = 0
    for _ in range(30):
        status, _ = ann.send("/gradio/gradio_api/call/work", {"data": [{"do": "dance", "id": "w"}]})
        refused += status == 503
    assert refused >= 10
    ann.send("/stop", {"job": "long"})
    answer.read()
    running.close()


def test_no_request_leaves_the_machine(readers, looked_up) -> None:
    """Gradio looks up hosts when it starts, unless it was told not to before its import."""
    readers[0].work(do="start", prompt="a fox")
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert looked_up == []


def test_nothing_is_kept_of_a_job_that_is_done(served, readers) -> None:
    """Gradio keeps what a call answered last, of ten thousand calls: a whole story each time."""

    def alive():
        gc.collect()
        return sum(type(o) is dict and o.get("kind") == "recorded" for o in gc.get_objects())

    before = alive()
    for _ in range(3):
        readers[0].work(do="start", prompt="a fox")
    assert alive() == before


def test_a_story_that_was_taken_along_comes_back(readers) -> None:
    ann, bob = readers
    story = ann.work(do="start", prompt="a fox")[-1]["story"]
    copied = ann.work(do="copy", story=story["id"], kind="zip")[-1]
    assert copied["name"].endswith(".zip")
    assert bob.send(f"/made/{copied['file']}")[0] == 400
    status, content = ann.send(f"/made/{copied['file']}")
    assert (status, len(content)) == (200, copied["bytes"])
    back = json.loads(bob.send("/load", raw=content)[1])["story"]
    key = str(story["current"])
    assert back["nodes"][key]["text"] == story["nodes"][key]["text"]
    assert bob.send(f"/picture/{back['nodes'][key]['picture']['hash']}.png")[0] == 200
    assert "refused" in json.loads(bob.send("/load", raw=b"no zip")[1])
