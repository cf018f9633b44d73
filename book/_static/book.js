// What style sheets cannot do: turn the front page's pictures, break formulas anew when the page's
// width changes, let the keyboard reach whatever scrolls inside itself, and give the focus back when
// a drawer closes. Without this script every page still says all that it says.
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
    const places = ".bd-article :is(div.math, div.math > mjx-container, .output.text_html)";
    for (const place of document.querySelectorAll(places)) {
      if (place.scrollWidth > place.clientWidth + 1) {
        place.tabIndex = 0;
      } else {
        place.removeAttribute("tabindex");
      }
    }
  }

  // MathJax breaks a formula into lines once, for the width that the page had then.
  function breakFormulasAnew() {
    let width = innerWidth;
    let timer = null;
    addEventListener("resize", () => {
      if (innerWidth === width) return; // a phone hides its address bar on every scroll
      width = innerWidth;
      clearTimeout(timer);
      timer = setTimeout(() => {
        const { METRICS } = MathJax._.core.MathItem.STATE;
        MathJax.startup.document.rerenderPromise(METRICS).then(reachScrollers);
      }, 200);
    });
  }

  // The theme opens its sidebars as dialogs on a phone, and forgets whence.
  function giveFocusBack(side) {
    const drawer = document.getElementById(`pst-${side}-sidebar-modal`);
    drawer?.addEventListener("close", () => document.querySelector(`.${side}-toggle`)?.focus());
  }

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  for (const hero of document.querySelectorAll(".mm-hero")) {
    if (!still.matches) turnPictures(hero);
  }
  window.MathJax?.startup?.promise.then(reachScrollers).then(breakFormulasAnew);
  ["primary", "secondary"].forEach(giveFocusBack);
  addEventListener("load", reachScrollers);
  addEventListener("resize", reachScrollers);
})();
