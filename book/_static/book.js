// What style sheets cannot do: turn the front page's pictures, and let the keyboard reach whatever
// scrolls inside itself. Without this script every page still says all that it says.
(() => {
  const PAUSE = 4800; // milliseconds that a picture stays

  function turnPictures(hero) {
    const frames = [...hero.querySelectorAll("li")];
    const pictures = frames.map((frame) => frame.querySelector("img"));
    const stills = pictures.map((picture) => picture.src);
    const button = hero.querySelector(".mm-hero-pause");
    let shown = 0;
    let timer = null;
    const show = (next) => {
      shown = next % frames.length;
      frames.forEach((frame, i) => frame.classList.toggle("is-shown", i === shown));
      pictures[shown].src = pictures[shown].dataset.moving;
    };
    const stop = () => {
      clearInterval(timer);
      timer = null;
      hero.classList.remove("is-moving");
      pictures.forEach((picture, i) => (picture.src = stills[i]));
      button.textContent = "Turn the pictures";
    };
    const start = () => {
      hero.classList.add("is-moving");
      show(shown);
      timer = setInterval(() => show(shown + 1), PAUSE);
      button.textContent = "Stop, and show all four";
    };
    button.hidden = false;
    button.addEventListener("click", () => (timer ? stop() : start()));
    pictures.forEach((picture) => picture.removeAttribute("loading"));
    start();
  }

  function reachScrollers() {
    const places = ".bd-article :is(div.math, mjx-container, .output.text_html)";
    for (const place of document.querySelectorAll(places)) {
      if (place.scrollWidth > place.clientWidth + 1) {
        place.tabIndex = 0;
      } else {
        place.removeAttribute("tabindex");
      }
    }
  }

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  for (const hero of document.querySelectorAll(".mm-hero")) {
    if (!still.matches) turnPictures(hero);
  }
  const mathDone = window.MathJax?.startup?.promise ?? Promise.resolve();
  mathDone.then(reachScrollers);
  addEventListener("load", reachScrollers);
  addEventListener("resize", reachScrollers);
})();
