// Starts the page's live demos. A demo is a script NAME.js beside this one that exports
//
//     start(stage, load)   // build the demo inside `stage`; everything it needs comes by `load`
//
// load.json(file), load.numbers(file) (float32) and load.address(file) give the demo's own files,
// load.model(file) a model: (inputs) => output, where an input is {type, data, shape}. Each file
// moves the progress bar. Nothing is requested before the reader asks for it.

for (const box of document.querySelectorAll(".mm-demo")) prepare(box);

function prepare(box) {
  const button = box.querySelector(".mm-demo-start");
  box.querySelector(".mm-demo-call span").textContent = "";
  button.hidden = false;
  button.addEventListener("click", () => begin(box, button));
}

async function begin(box, button) {
  const call = button.parentElement;
  const told = call.querySelector("span");
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", "Loading the demo");
  button.hidden = true;
  told.textContent = "Loading …";
  told.setAttribute("role", "status");
  call.append(bar);
  const rest = new AbortController(); // ends the other downloads when one fails
  try {
    const load = await loader(box, rest.signal, (done, all, megabytes) => {
      bar.max = all;
      bar.value = done;
      told.textContent = `Loading ${megabytes} MB, once …`;
    });
    const stage = document.createElement("div");
    stage.className = "mm-demo-stage";
    const { start } = await import(`./${box.dataset.demo}.js`);
    await start(stage, load);
    box.replaceChildren(stage);
    stage.querySelector("input, select, button")?.focus({ preventScroll: true });
  } catch (error) {
    rest.abort();
    bar.remove();
    told.textContent = `The demo did not load (${error.message}). Nothing is lost: try again.`;
    button.hidden = false;
    button.focus();
  }
}

async function loader(box, signal, report) {
  const { files, runtime } = box.dataset;
  const sizes = await (await found(`${files}sizes.json`, signal)).json();
  const all = Object.values(sizes.files).reduce((sum, size) => sum + size, 0);
  const megabytes = (sizes.sent / 1e6).toFixed(1);
  let done = 0;
  const bytes = async (address) => {
    const reader = (await found(address, signal)).body.getReader();
    const parts = [];
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      signal.throwIfAborted();
      parts.push(part.value);
      done += part.value.length;
      report(done, all, megabytes);
    }
    return new Blob(parts).arrayBuffer();
  };
  let engine = null;
  return {
    json: async (file) => JSON.parse(new TextDecoder().decode(await bytes(files + file))),
    numbers: async (file) => new Float32Array(await bytes(files + file)),
    address: async (file) => {
      const type = `image/${file.split(".").pop()}`;
      return URL.createObjectURL(new Blob([await bytes(files + file)], { type }));
    },
    model: async (file) => {
      engine ??= startEngine(new URL(runtime, document.baseURI).href, bytes);
      const [ort, weights] = await Promise.all([engine, bytes(files + file)]);
      const session = await ort.InferenceSession.create(new Uint8Array(weights));
      return async (inputs) => {
        const feeds = {};
        for (const [name, { type, data, shape }] of Object.entries(inputs)) {
          feeds[name] = new ort.Tensor(type, data, shape);
        }
        return (await session.run(feeds))[session.outputNames[0]].data;
      };
    },
  };
}

async function startEngine(runtime, bytes) {
  const [ort, wasm] = await Promise.all([
    import(`${runtime}ort.wasm.min.mjs`),
    bytes(`${runtime}ort-wasm-simd-threaded.wasm`),
  ]);
  ort.env.wasm.numThreads = 1; // threads need headers that plain hosting does not send
  ort.env.wasm.wasmPaths = runtime;
  ort.env.wasm.wasmBinary = wasm;
  return ort;
}

async function found(address, signal) {
  const answer = await fetch(address, { signal });
  if (!answer.ok) throw new Error(`${address.split("/").pop()} is missing: ${answer.status}`);
  return answer;
}
