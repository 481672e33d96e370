// The report: a run is made ready to be stepped through when it is opened, and everything is open when it is printed.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const steppers = new Map();
  let active = null;

  const address = (key, step) => {
    try {
      history.replaceState(null, "", `#${key}${step ? `/${step}` : ""}`);
    } catch {
      // Some browsers keep the address of a file as it is.
    }
  };

  function ready(details) {
    if (steppers.has(details)) return steppers.get(details);
    const host = details.querySelector(".stepper");
    const found = stepper.mount(host, data, data.playbacks[details.id], (step) => {
      active = details;
      address(details.id, step);
    });
    const steps = details.querySelector(".steps");
    const fold = stepper.make("button", { type: "button", "aria-expanded": "false" }, "Show all steps as a table");
    fold.addEventListener("click", () => {
      const folded = steps.classList.toggle("folded");
      fold.setAttribute("aria-expanded", String(!folded));
      fold.textContent = folded ? "Show all steps as a table" : "Hide the table of all steps";
    });
    host.append(stepper.make("p", { class: "hint" }, fold, " ", ...keys()));
    details.classList.add("stepped");
    steps.classList.add("folded");
    steppers.set(details, found);
    return found;
  }

  const keys = () => {
    const key = (name) => stepper.make("kbd", {}, name);
    return [key("←"), " ", key("→"), " step, ", key("Home"), " ", key("End"), " go to the start and the end"];
  };

  for (const details of document.querySelectorAll("details.playback"))
    details.addEventListener("toggle", () => {
      if (details.open) {
        ready(details);
        active = details;
      } else if (active === details) active = null;
    });

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.matches("input, select, textarea")) return;
    // A table that can be scrolled keeps its keys, if there is more of it to see.
    const region = event.target.closest(".scrolls");
    if (region && region.scrollWidth > region.clientWidth) return;
    const near = event.target.closest("details.playback[open]") || (event.target === document.body ? active : null);
    if (near && near.open && ready(near).key(event.key)) event.preventDefault();
  });

  // An address such as #name/3 opens that run, at that step.
  function open() {
    const [key, step] = decodeURIComponent(location.hash.slice(1)).split("/");
    const found = key && document.getElementById(key);
    if (!found || !found.matches("details.playback")) return;
    for (let each = found; each; each = each.parentElement.closest("details")) each.open = true;
    ready(found).go(Number(step) || 0, true);
    active = found;
    found.scrollIntoView();
    found.querySelector("summary").focus({ preventScroll: true });
  }
  window.addEventListener("hashchange", open);
  open();

  stepper.watch(document);

  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")].filter((d) => !d.closest(".stepper"));
    for (const details of closed) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
