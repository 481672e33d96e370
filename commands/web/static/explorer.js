// The explorer: the walk so far can be stepped through, keys take steps, and a step changes the page in place.
"use strict";

(() => {
  const main = () => document.getElementById("main");

  function ready() {
    const data = JSON.parse(document.getElementById("data").textContent);
    const run = data.playbacks.walk;
    const here = document.getElementById("here");
    const anew = document.getElementById("anew");
    const addresses = [anew, ...main().querySelectorAll("ol.steps a")].map((link) => link.href);
    const walk = stepper.mount(main().querySelector(".stepper"), data, run, (step) => {
      here.hidden = step === run.frames.length;
      here.querySelector("a").href = addresses[step];
    });
    walk.go(run.frames.length, true);
    main().querySelector(".playback").classList.add("stepped");
    stepper.watch(document);
  }

  // The page of another walk in the place of this one. Whatever goes wrong, the browser goes there by itself.
  async function go(address, remember) {
    document.body.classList.add("busy-now");
    try {
      const answer = await fetch(address, { headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById("main");
      if (!answer.ok || !found || !page.getElementById("data")) throw new Error("not a walk");
      main().replaceWith(found);
      document.title = page.title;
      if (remember) history.pushState(null, "", address);
      ready();
      found.focus({ preventScroll: true });
    } catch {
      location.assign(address);
    } finally {
      document.body.classList.remove("busy-now");
    }
  }

  const isWalk = (link) => link && link.origin === location.origin && link.pathname === "/walk";

  document.addEventListener("click", (event) => {
    const link = event.target.closest("main a");
    if (isWalk(link) && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      if (link.getAttribute("aria-disabled") !== "true") go(link.href, true);
    }
    const copy = event.target.closest("button.copy");
    if (copy) copyFrom(copy.dataset.from);
  });

  async function copyFrom(name) {
    const text = document.getElementById(name).textContent;
    const said = document.getElementById(`copied-${name}`);
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "Copied.";
    } catch {
      const place = document.getElementById(name);
      place.closest("details").open = true;
      getSelection().selectAllChildren(place);
      said.textContent = "It is selected; copy it by hand.";
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.matches("input, select, textarea, pre")) return;
    const option = /^[1-9]$/.test(event.key) && document.querySelector(`a.option[data-key="${event.key}"]`);
    const back = event.key === "ArrowLeft" && document.getElementById("back");
    const link = option || back;
    if (!link || link.getAttribute("aria-disabled") === "true") return;
    event.preventDefault();
    go(link.href, true);
  });

  // What a form had as its answer is a walk, too, and has the address of one: for Back, and as a bookmark.
  if (location.pathname !== "/walk") history.replaceState(null, "", main().dataset.address);
  window.addEventListener("popstate", () => go(location.href, false));
  document.addEventListener("submit", () => document.body.classList.add("busy-now"));
  window.addEventListener("pageshow", () => document.body.classList.remove("busy-now"));
  ready();
})();
