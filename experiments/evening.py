"""Two readers at one storyteller, thirty steps each, and twelve times the power goes out.

    python experiments/evening.py [--small] [BACKEND]

Writes evening.json. `mmcourse app` serves a library on the disk, by the backend (`tiny` unless
another is named). Two readers tell a story each at the same time: they go on by themselves, by a
choice or in their own words, ask the picture and the story, have a page drawn again, mark, undo,
redo, branch and search. At moments that dice choose the server is killed, in the middle of what it
does, and started again. What a reader has been told is recorded must be there as it was, or be one
finished step further on; anything else counts as lost.

A sign is a message of progress that the page shows. `silence` is the longest time without one while
the reader's job was at work, `wait` the longest from giving a job to its first sign: there the
other reader's job, for which the page says that it waits, counts too. `memory` is what one
process holds of its own, over 200 steps of one story.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from _result import write

SOURCES = ["mmcourse.story", "mmcourse.storyworld", "mmcourse.lora"]
GIVE = "/gradio/gradio_api/call/work"
PROMPTS = ("a fox finds a lantern on the beach", "an owl has lost a red scarf in the forest")
WORDS = ("then they dance in the rain", "she goes to the beach", "he is sad", "they meet a bear")
PICTURE = ("where are we?", "what is the weather like?", "how many animals are there?")
STORY = ("who is in this story?", "where are we?")
Data = dict[str, Any]


class Off(Exception):
    """The server was killed while this reader waited."""


class Server:
    """`mmcourse app` in a process that can be killed."""

    def __init__(self, library: Path, backend: str) -> None:
        self.library, self.backend = library, backend
        self.up = threading.Event()
        self.start()

    def start(self) -> None:
        """Serve, at a new port."""
        command = [sys.executable, "-m", "mmcourse", "app", "--no-browser", "--port", "0",
                   "--library", str(self.library)]  # fmt: skip
        if self.backend != "world":
            command += ["--backend", self.backend]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        found = re.search(r"http://([\d.:]+)", self.process.stdout.readline())
        if found is None:
            raise RuntimeError("the app did not say where it is")
        self.address = found[1]
        self.up.set()

    def kill(self) -> None:
        """Kill it; its library must be whole."""
        self.up.clear()
        self.process.kill()
        self.process.wait()
        with contextlib.closing(sqlite3.connect(self.library)) as database:
            whole = database.execute("PRAGMA integrity_check").fetchall()
        if whole != [("ok",)]:
            raise RuntimeError(f"the library is damaged: {whole}")

    def own(self) -> float:
        """MB that the process holds of its own."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


class Reader:
    """A browser that tells a story, and notes what it was shown."""

    def __init__(self, server: Server, number: int) -> None:
        self.server, self.number = server, number
        self.dice = random.Random(number)
        self.story: Data | None = None
        self.steps, self.lost, self.redone = Counter[str](), 0, 0
        self.waits: list[float] = []
        self.silences: dict[str, list[float]] = {}
        with urlopen(f"http://{server.address}/") as first:
            self.cookie = first.headers["Set-Cookie"].split(";")[0]

    def ask(self, method: str, path: str, sent: Data | None = None) -> http.client.HTTPResponse:
        """A request. Raises `Off` if the server is gone."""
        there = http.client.HTTPConnection(self.server.address, timeout=600)
        headers = {"Cookie": self.cookie, "Content-Type": "application/json"}
        try:
            there.request(method, path, None if sent is None else json.dumps(sent), headers)
            return there.getresponse()
        except (OSError, http.client.HTTPException):
            raise Off from None

    def quick(self, name: str, **sent: Any) -> Data:
        """What is done at once."""
        began = time.perf_counter()
        try:
            found = json.loads(self.ask("POST", f"/do/{name}", sent).read() or b"null")
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            raise Off from None
        self.silences.setdefault(name, []).append(time.perf_counter() - began)
        return dict(found or {})

    def signs(self, job: Data) -> Iterator[Data]:
        """The signs of a job, timed."""
        began = time.perf_counter()
        given = self.ask("POST", GIVE, {"data": [job]}).read()
        event = json.loads(given)["event_id"] if given else ""
        answer = self.ask("GET", f"{GIVE}/{event}")
        last, kind, into = began, "", self.waits
        try:
            for line in iter(answer.readline, b""):
                if line.startswith(b"event: "):
                    kind = line[7:].strip().decode()
                if kind != "generating" or not line.startswith(b"data: "):
                    continue
                now = time.perf_counter()
                into.append(now - last)
                last, into = now, self.silences.setdefault(job["do"], [])
                sign = json.loads(line[6:])[0]
                if sign:  # none ends a job
                    yield sign
        except (OSError, http.client.HTTPException):
            raise Off from None
        if kind != "complete":
            raise Off

    def work(self, **job: Any) -> Data:
        """A job to its end; the last sign. What is refused is counted, and nothing else."""
        last: Data = [{}, *self.signs(job)][-1]
        if last.get("kind") == "refused":
            self.steps["refused"] += 1
        return last

    def step(self) -> None:
        """One step of the evening."""
        if self.story is None:
            self.keep(self.work(do="start", prompt=PROMPTS[self.number], every=1))
            self.steps["start"] += 1
            return
        id_, here = self.story["id"], self.story["current"]
        node = self.story["nodes"][str(here)]
        kinds = ["go on"] * 8 + ["picture", "story", "redraw", "mark", "undo", "redo", "go", "find"]
        kind = self.dice.choice(kinds)
        self.steps[kind] += 1
        if kind == "go on":
            way = self.dice.choice(("choice", "words", ""))
            more: Data = {"text": self.dice.choice(WORDS)} if way == "words" else {}
            if way == "choice" and node["choices"]:
                more = {"choice": self.dice.randrange(len(node["choices"]))}
            self.keep(self.work(do="go on", story=id_, scene=here, **more))
        elif kind in ("picture", "story"):
            asked = self.dice.choice(PICTURE if kind == "picture" else STORY)
            self.work(do="ask", story=id_, scene=here, question=asked, which=kind)
        elif kind == "redraw":
            self.keep(self.work(do="redraw", story=id_, scene=here))
        elif kind == "find":
            self.work(do="find", story=id_, words="a fox in the snow")
        else:
            sent: Data = {}
            if kind in ("mark", "go"):
                sent = {"scene": self.dice.choice(self.story["path"])}
            if kind == "mark":
                sent["note"] = "lovely"
            self.keep(self.quick(kind, story=id_, **sent))

    def keep(self, told: Data) -> None:
        """What is shown after a step."""
        if told.get("story"):
            self.story = told["story"]

    def again(self) -> None:
        """After the lights are on: is all there that was recorded?"""
        self.server.up.wait()
        if self.story is None:
            return
        now = self.quick("open", story=self.story["id"]).get("story")
        if now is None or not further(self.story, now):
            self.lost += 1
        self.story = now or self.story

    def evening(self, steps: int) -> None:
        """All steps, through every cut."""
        done = 0
        while done < steps:
            try:
                self.step()
                done += 1
            except Off:
                self.redone += 1
                self.server.up.wait()
                with contextlib.suppress(Off):
                    self.again()


def further(before: Data, after: Data) -> bool:
    """Whether a story is as it was, or one finished step further on."""

    def scenes(story: Data) -> dict[str, str]:
        return {k: json.dumps([n["text"], n["texts"]]) for k, n in story["nodes"].items()}

    old, new = scenes(before), scenes(after)
    return len(new) - len(old) in (0, 1) and all(new.get(k) == text for k, text in old.items())


def evening(backend: str, steps: int, kills: int) -> Data:
    """Two readers, and the cuts."""
    dice = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "evening.db", backend)
        readers = [Reader(server, number) for number in (0, 1)]
        threads = [threading.Thread(target=r.evening, args=(steps,), daemon=True) for r in readers]
        for thread in threads:
            thread.start()
        for cut in range(kills):
            while sum(sum(r.steps.values()) for r in readers) < (cut + 1) * 2 * steps / (kills + 1):
                time.sleep(0.05)
            time.sleep(dice.uniform(0, 3))
            server.kill()
            server.start()
        for thread in threads:
            thread.join()
        server.kill()
        told = sum((r.steps for r in readers), Counter[str]())
        silences: dict[str, list[float]] = {}
        for reader in readers:
            for kind, times in reader.silences.items():
                if times:
                    silences.setdefault(kind, []).extend(times)
        return {
            "steps": {k: told[k] for k in sorted(told)},
            "kills": kills,
            "interrupted": sum(r.redone for r in readers),
            "lost": sum(r.lost for r in readers),
            "wait": {"longest": max(x for r in readers for x in r.waits)},
            "silence": {
                "longest": max(map(max, silences.values())),
                "by_kind": {kind: max(times) for kind, times in sorted(silences.items())},
            },
        }


def memory(backend: str, steps: int) -> Data:
    """One story of many steps: what the server holds after each tenth, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "long.db", backend)
        reader, held = Reader(server, 0), [0.0] * 0
        reader.step()
        for step in range(steps):
            assert reader.story is not None
            story, here = reader.story["id"], reader.story["current"]
            reader.keep(reader.work(do="go on", story=story, scene=here))
            if (step + 1) % 10 == 0 or steps < 10:
                reader.work(do="find", story=story, words="a fox in the snow")
                held.append(round(server.own(), 1))
        server.kill()
    settled = held[len(held) // 5 :]
    middle = statistics.median(settled)
    return {"steps": steps, "held": held, "median": middle,
            "spread": max(abs(x - middle) for x in settled) / middle}  # fmt: skip


def main() -> None:
    small = "--small" in sys.argv[1:]
    named = [a for a in sys.argv[1:] if not a.startswith("--")]
    backend = [*named, "world" if small else "tiny"][0]
    found = evening(backend, 4 if small else 30, 1 if small else 12)
    print(json.dumps(found), file=sys.stderr)
    held = memory(backend, 3 if small else 200)
    told = {"backend": backend, "readers": 2, "seed": 0, "n": sum(found["steps"].values())}
    results = {**told, **found, "memory": held}
    if small:
        print(json.dumps(results))
    else:
        write(__file__, SOURCES, results)


if __name__ == "__main__":
    main()
