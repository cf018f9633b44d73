/* Talks to the server: what is done at once, uploads, and work that lasts, through Gradio's queue. */

export class Refused extends Error {}

async function answer(response) {
  const data = await response.json().catch(() => ({refused: "the storyteller did not answer"}));
  if (!response.ok) throw new Refused(data.refused ?? data.detail ?? "the storyteller did not answer");
  return data;
}

const send = (address, body, type = "application/json") =>
  fetch(address, {method: "POST", headers: {"Content-Type": type}, body})
    .catch(() => { throw new Refused("the storyteller is not there; is its command still running?"); });

export const quick = async (name, data = {}) => answer(await send(`/do/${name}`, JSON.stringify(data)));
export const upload = async blob => answer(await send("/upload", blob, "application/octet-stream"));
export const load = async blob => answer(await send("/load", blob, "application/octet-stream"));

/* Steps of a server-sent stream: [event, data]. */
async function* stream(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/s.exec(part) ?? [];
      if (event) yield [event, JSON.parse(data)];
    }
  }
}

/* Give a job; `onstep` gets each of its signs. Resolves to the last one, rejects with what was
   refused. `signal` stops it: the page goes on at once, and the server is told. */
export async function work(job, onstep = () => {}, signal = null) {
  const id = crypto.getRandomValues(new Uint32Array(3)).join("");
  const base = "/gradio/gradio_api";
  const stopped = new Promise((_, no) => signal?.addEventListener("abort", () => {
    send("/stop", JSON.stringify({job: id})).catch(() => {});
    no(new DOMException("stopped", "AbortError"));
  }));
  stopped.catch(() => {});
  const doing = (async () => {
    const {event_id} = await answer(await send(`${base}/call/work`, JSON.stringify({data: [{...job, id}]})));
    const response = await fetch(`${base}/call/work/${event_id}`);
    let last = null;
    for await (const [event, data] of stream(response)) {
      if (signal?.aborted) return null;
      if (event === "error") throw new Refused("the storyteller was interrupted; try again");
      const step = data?.[0];
      if (event !== "generating" || !step) continue;
      if (step.kind === "refused") throw new Refused(step.message);
      last = step;
      onstep(step);
    }
    if (!last) throw new Refused("the storyteller was interrupted; try again");
    return last;
  })();
  doing.catch(() => {});
  return Promise.race([doing, stopped]);
}
