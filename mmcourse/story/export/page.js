"use strict";
// Day and night by hand, and the word that is being spoken. The page is whole without it.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = document.querySelector("#theme");
  const night = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const tell = () => { theme.textContent = night() ? "Day" : "Night"; };
  theme.hidden = false;
  theme.addEventListener("click", () => { root.dataset.theme = night() ? "light" : "dark"; tell(); });
  dark.addEventListener("change", tell);
  tell();

  const sounds = [...document.querySelectorAll("audio")];
  const whole = document.querySelector("#whole");
  let reading = false; // the whole story, page after page
  const stopOthers = (one) => sounds.forEach((s) => { if (s !== one) s.pause(); });
  const show = () => { if (whole) whole.textContent = reading ? "Stop reading" : "Read to me"; };

  sounds.forEach((sound, number) => {
    const words = [...sound.closest(".words").querySelectorAll("[data-b]")];
    const times = words.map((w) => [Number(w.dataset.b), Number(w.dataset.e)]);
    let lit = -1;
    const light = (i) => {
      if (i === lit) return;
      words[lit]?.classList.remove("spoken");
      words[i]?.classList.add("spoken");
      lit = i;
    };
    const follow = () => {
      const t = sound.currentTime;
      light(times.findIndex(([b, e]) => b <= t && t < e));
      if (!sound.paused) requestAnimationFrame(follow);
    };
    sound.addEventListener("play", () => { stopOthers(sound); follow(); });
    sound.addEventListener("seeked", follow);
    sound.addEventListener("pause", () => {
      if (reading && !sound.ended && !sounds.some((s) => !s.paused)) { reading = false; show(); }
    });
    sound.addEventListener("ended", () => {
      light(-1);
      const next = sounds[number + 1];
      if (!reading) return;
      if (next) { next.closest(".page").scrollIntoView({block: "center"}); next.currentTime = 0; next.play(); }
      else { reading = false; show(); }
    });
  });
  if (whole && sounds.length) {
    whole.hidden = false;
    show();
    whole.addEventListener("click", () => {
      reading = !reading;
      show();
      if (!reading) { stopOthers(null); return; }
      sounds[0].closest(".page").scrollIntoView({block: "center"});
      sounds[0].currentTime = 0;
      sounds[0].play();
    });
  }
})();
