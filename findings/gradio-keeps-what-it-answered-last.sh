#!/usr/bin/env bash
# gradio 6.31.0: the server keeps what each call of an endpoint made by `gr.api` answered last, of ten thousand calls.
# Guessed: an endpoint without components and without `gr.State` is a plain call, and its answer is gone once it was sent.
# Seen: each POST to /gradio_api/call/NAME begins a session of its own, whose state holds the last answer; a session goes
# when 10,000 newer ones came. After twenty calls with a list of 50,000 numbers twenty lists are alive, after a generator that
# yields None behind the list none is. (That None also halves what is sent: "complete" says the last answer again.)
# What it costs: an app whose last sign is the whole story grew from 230 to 490 MB within 120 pages, with nothing to see.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'gradio==6.31.0'
GRADIO_ANALYTICS_ENABLED=False HF_HUB_DISABLE_TELEMETRY=1 "$work/venv/bin/python" - 2>/dev/null <<'PY' || { echo "changed: gradio no longer keeps what a call answered last"; exit 1; }
import gc
import json
import sys
import threading
import time
import urllib.request

import gradio as gr
import uvicorn
from fastapi import FastAPI

SIZE, CALLS = 50_000, 20


def plain(number: int) -> dict:
    yield {"list": list(range(number, number + SIZE))}


def ended(number: int) -> dict:
    yield {"list": list(range(number, number + SIZE))}
    yield None


with gr.Blocks(analytics_enabled=False) as blocks:
    gr.api(plain, api_name="plain")
    gr.api(ended, api_name="ended")
blocks.queue()
app = gr.mount_gradio_app(FastAPI(), blocks, path="/g", ssr_mode=False)
server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.05)
host = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/g/gradio_api/call"


def alive(name):
    """Lists that are there after some calls, and were not before."""

    def count():
        gc.collect()
        return sum(type(o) is list and len(o) == SIZE for o in gc.get_objects())

    before = count()
    for number in range(CALLS):
        body = json.dumps({"data": [number]}).encode()
        asked = urllib.request.Request(f"{host}/{name}", body, {"Content-Type": "application/json"})
        event = json.loads(urllib.request.urlopen(asked).read())["event_id"]
        urllib.request.urlopen(f"{host}/{name}/{event}").read()
    return count() - before


kept, freed = alive("plain"), alive("ended")
print(f"after {CALLS} calls {kept} answers are kept, {freed} where None comes last")
if not (kept >= CALLS - 2 and freed <= 2):
    sys.exit(1)
PY
