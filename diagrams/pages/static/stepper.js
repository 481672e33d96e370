// Runs that one steps through: the state before and after, who acted, and where in their lifecycles things are.
// Everything that is shown is put in as text; nothing is ever read as markup.
"use strict";

const stepper = (() => {
  // So many values of the start are shown without being asked for.
  const FEW = 10;
  // So many things with a phase are offered at once; the others on demand.
  const OFFERED = 10;
  // A picture is never smaller than this share of its natural size: its texts could not be read.
  const SMALLEST = 0.56;

  const make = (tag, properties = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name === "class") element.className = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };

  // The keyboard stops at a region only if there is more of it to see.
  const stops = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
      else if (target !== document.activeElement) target.removeAttribute("tabindex");
    }
  });
  const watch = (root) => root.querySelectorAll(".scrolls").forEach((region) => stops.observe(region));

  // A value is a text, or a text with the lifecycle, the class, the kind and the name of the phase that it is in.
  const text = (value) => (Array.isArray(value) ? value[0] : value);
  const shown = (value) =>
    Array.isArray(value) ? make("span", { class: `chip ${value[3]}` }, value[0]) : value;

  const named = (data, number) => {
    const [field, owner] = data.names[number];
    const parts = owner ? [field, " ", make("span", { class: "of" }, owner)] : [field];
    return make("th", { scope: "row" }, ...parts);
  };

  const table = (heads, rows, label) =>
    make(
      "div",
      { class: "scrolls", tabindex: "0", role: "region", "aria-label": label },
      make(
        "table",
        {},
        make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
        make("tbody", {}, ...rows),
      ),
    );

  // The states of a run: one at the start, and one after each step. Each maps a variable to its value, by numbers.
  const statesOf = (data, run) => {
    const states = [new Map(data.starts[run.start])];
    for (const frame of run.frames) states.push(new Map([...states[states.length - 1], ...frame.changes]));
    return states;
  };

  // Things with a phase that is drawn and that changes on the way: a variable each.
  const livesOf = (data, run, states) => {
    const changing = new Set(run.frames.flatMap((frame) => frame.changes.map(([name]) => name)));
    const lifecycle = (name) => states.map((s) => data.values[s.get(name)]).find((v) => Array.isArray(v));
    const phase = (name, n) => {
      const value = data.values[states[n].get(name)];
      return Array.isArray(value) ? value[2] : "";
    };
    return [...changing].filter((name) => lifecycle(name) && states.some((_, n) => phase(name, n) !== phase(name, 0)));
  };

  const figureOf = (name) => document.querySelector(`figure[data-lifecycle="${CSS.escape(name)}"]`);
  const titleOf = (name) => figureOf(name)?.dataset.title || name;

  // The picture of a lifecycle for beside a state: a copy without names that exist already, and without its title.
  function picture(name) {
    const drawn = figureOf(name)?.querySelector("svg");
    if (!drawn) return document.createTextNode("");
    const copy = drawn.cloneNode(true);
    for (const element of [copy, ...copy.querySelectorAll("[id]")]) element.removeAttribute("id");
    for (const title of copy.querySelectorAll(".graph > text, .graph > g:not([class]) > text")) title.remove();
    crop(copy, drawn);
    return copy;
  }

  // Leaves of a picture what is drawn of nodes and edges, as large as that is.
  function crop(copy, drawn) {
    const [box, outside] = [drawn.viewBox.baseVal, drawn.getBoundingClientRect()];
    if (!outside.width) return;
    const parts = [...drawn.querySelectorAll(".node, .edge, .cluster")].map((part) => part.getBoundingClientRect());
    const [left, top] = [Math.min(...parts.map((p) => p.left)), Math.min(...parts.map((p) => p.top))];
    const [right, bottom] = [Math.max(...parts.map((p) => p.right)), Math.max(...parts.map((p) => p.bottom))];
    const scale = box.width / outside.width;
    const margin = 6;
    const [width, height] = [(right - left) * scale + 2 * margin, (bottom - top) * scale + 2 * margin];
    const [x, y] = [(left - outside.left) * scale - margin, (top - outside.top) * scale - margin];
    copy.setAttribute("viewBox", [x, y, width, height].map((n) => n.toFixed(1)).join(" "));
    copy.setAttribute("width", `${width.toFixed(0)}pt`);
    copy.setAttribute("height", `${height.toFixed(0)}pt`);
    copy.setAttribute("preserveAspectRatio", "xMinYMin");
    copy.style.minWidth = `${(width * SMALLEST).toFixed(0)}pt`;
  }

  function mount(host, data, run, moved) {
    const states = statesOf(data, run);
    const last = run.frames.length;
    const told = new Set(run.told);
    const lives = livesOf(data, run, states).sort((a, b) => Number(told.has(b)) - Number(told.has(a)));
    let at = 0;
    let chosen = lives.slice(0, 1);

    const button = (label, words, target) =>
      make("button", { type: "button", "aria-label": words, title: words, onclick: () => go(target()) }, label);
    const first = button("|◀", "To the start", () => 0);
    const back = button("◀ Back", "One step back", () => at - 1);
    const forward = button("Forward ▶", "One step forward", () => at + 1);
    const end = button("▶|", "To the end", () => last);
    const slider = make("input", { type: "range", min: "0", max: String(last), value: "0", "aria-label": "Step" });
    slider.addEventListener("input", () => go(Number(slider.value)));
    const counter = make("output", {});
    const says = make("div", { class: "now-says", "aria-live": "polite" });
    const changes = make("div", { class: "changes" });
    const whole = make("details", { class: "whole" }, make("summary", {}, "The whole state"), make("div", {}));
    whole.addEventListener("toggle", () => whole.open && showWhole());
    const objects = make("div", { class: "objects", role: "group", "aria-label": "Whose lifecycle is shown" });
    const others = make("details", { class: "others" }, make("summary", {}), make("div", { class: "objects" }));
    const shownLives = make("div", {});
    const [lanes, marks] = lanesOf();

    function lanesOf() {
      const names = [...new Set(run.frames.map((frame) => frame.lane))];
      const grid = make("div", { class: "lanes", role: "group", "aria-label": "Who acts in which step" });
      grid.style.gridTemplateColumns = `max-content repeat(${last}, minmax(1.9rem, 2.6rem)) 1fr`;
      names.forEach((name, row) => {
        const label = make("span", { class: "lane" }, name);
        const track = make("span", { class: "track", "aria-hidden": "true" });
        label.style.gridArea = `${row + 1} / 1`;
        track.style.gridArea = `${row + 1} / 2 / auto / -1`;
        grid.append(label, track);
      });
      const found = run.frames.map((frame, n) => {
        const words = `Step ${n + 1}: ${frame.lane}: ${frame.what}`;
        const mark = make("button", { type: "button", title: words, "aria-label": words, onclick: () => go(n + 1) }, String(n + 1));
        mark.style.gridArea = `${names.indexOf(frame.lane) + 1} / ${n + 2}`;
        grid.append(mark);
        return mark;
      });
      return [grid, found];
    }

    function sentence() {
      if (at === 0) {
        const what = last ? "The start. Go forward to see what happens." : "Nothing has happened yet.";
        return [make("span", {}, what)];
      }
      const frame = run.frames[at - 1];
      const parts = [make("span", { class: "who" }, frame.lane), `: ${frame.what}`];
      if (frame.how) parts.push(`: ${frame.how}`);
      if (frame.at) parts.push(make("span", { class: "of" }, ` (at ${frame.at})`));
      for (const note of frame.notes || []) parts.push(make("span", { class: "note" }, note));
      if (at === last && run.loop === last) parts.push(make("span", { class: "note" }, "And nothing more happens."));
      else if (at === last && run.loop !== null)
        parts.push(make("span", { class: "note" }, `From here on it goes as after step ${run.loop}, again and again, for ever.`));
      return parts;
    }

    function rowOf(name, marked) {
      const before = data.values[states[Math.max(at - 1, 0)].get(name)];
      const after = data.values[states[at].get(name)];
      return make("tr", marked ? { class: "changed" } : {}, named(data, name), make("td", {}, shown(before)), make("td", {}, shown(after)));
    }

    function changeTables() {
      if (at === 0) {
        const rows = run.told.map((name) => make("tr", {}, named(data, name), make("td", {}, shown(data.values[states[0].get(name)]))));
        const say = `The state at the start, ${rows.length} values`;
        const start = make("details", {}, make("summary", {}, say), table(["at the start", "value"], rows, say));
        start.open = rows.length <= FEW;
        return [start];
      }
      const changed = run.frames[at - 1].changes.map(([name]) => name);
      const rows = changed.filter((name) => told.has(name)).map((name) => rowOf(name, false));
      const others = changed.filter((name) => !told.has(name)).map((name) => rowOf(name, false));
      const heads = ["what changed", "before", "after"];
      const found = rows.length ? [table(heads, rows, "What changed")] : [];
      if (!changed.length) found.push(make("p", { class: "hint" }, "Nothing changed."));
      if (others.length) {
        const say = `${others.length} more ${others.length === 1 ? "detail" : "details"} changed`;
        const more = make("details", {}, make("summary", {}, say), table(heads, others, say));
        more.open = !rows.length;
        found.push(more);
      }
      return found;
    }

    function showWhole() {
      const changed = new Set(at ? run.frames[at - 1].changes.map(([name]) => name) : []);
      const rows = [...states[at].keys()].map((name) => rowOf(name, changed.has(name)));
      whole.lastElementChild.replaceChildren(table(["variable", "before", "after"], rows, "The whole state"));
      watch(whole);
    }

    function phaseAt(name, n) {
      const value = data.values[states[n].get(name)];
      return Array.isArray(value) ? value : null;
    }

    function showLife() {
      if (!lives.length) return;
      const moved = at ? lives.filter((name) => run.frames[at - 1].changes.some(([changed]) => changed === name)) : [];
      // What has just moved is shown, one thing of each lifecycle and two at most; if nothing has, what was shown stays.
      const ofEach = moved.filter((name, n) => moved.findIndex((other) => lifecycleOf(other) === lifecycleOf(name)) === n);
      if (moved.length && !moved.some((name) => chosen.includes(name))) chosen = ofEach.slice(0, 2);
      else if (ofEach.length > 1) chosen = ofEach.slice(0, 2);
      showChosen();
    }

    // What has no owner and is alone of its lifecycle is called after that.
    function ownName(name) {
      const [field, owner] = data.names[name];
      const others = lives.filter((other) => !data.names[other][1] && lifecycleOf(other) === lifecycleOf(name));
      if (!owner) return others.length === 1 ? titleOf(lifecycleOf(name)) : field;
      return field === "phase" ? owner : `${owner} (${field})`;
    }

    // What is shown, and what has moved last or, at the start, moves first.
    function offered() {
      if (lives.length <= OFFERED) return new Set(lives);
      const past = run.frames.slice(0, at).reverse().concat(run.frames.slice(at));
      const moving = past.flatMap((frame) => frame.changes.map(([name]) => name)).filter((name) => lives.includes(name));
      return new Set([...new Set([...chosen, ...moving])].slice(0, OFFERED));
    }

    const lifecycleOf = (name) => states.map((_, n) => phaseAt(name, n)).find(Boolean)[1];

    function showChosen() {
      const near = offered();
      const rest = lives.filter((name) => !near.has(name));
      objects.replaceChildren(...lives.filter((name) => near.has(name)).map(objectButton));
      others.hidden = !rest.length;
      others.firstElementChild.textContent = `${rest.length} more`;
      others.lastElementChild.replaceChildren(...rest.map(objectButton));
      shownLives.replaceChildren(...chosen.map(lifeOf));
      watch(shownLives);
      for (const shown of shownLives.querySelectorAll(".lit")) reveal(shown, shown.querySelector(".now"));
    }

    function lifeOf(name) {
      const now = phaseAt(name, at);
      const was = at ? phaseAt(name, at - 1) : null;
      const [title, whose] = [titleOf(lifecycleOf(name)), ownName(name)];
      const label = `${title}${whose === title ? "" : `, ${whose}`}: ${now ? `now ${now[4]}` : "not there"}`;
      const region = { class: "lit scrolls", tabindex: "0", role: "region", "aria-label": label };
      const shown = make("div", region, picture(lifecycleOf(name)));
      const light = (phase, mark) =>
        phase && shown.querySelectorAll(`.${CSS.escape(phase[2])}`).forEach((e) => e.classList.add(mark));
      if (was && (!now || was[2] !== now[2])) light(was, "was");
      light(now, "now");
      return make("div", {}, make("p", { class: "whose" }, label), shown);
    }

    function objectButton(name) {
      const phase = phaseAt(name, at);
      return make(
        "button",
        {
          type: "button",
          class: phase ? phase[3] : "plain",
          "aria-pressed": String(chosen.includes(name)),
          onclick: () => {
            chosen = [name];
            showChosen();
            life.querySelector('[aria-pressed="true"]').focus();
          },
        },
        `${ownName(name)}: ${phase ? phase[4] : "–"}`,
      );
    }

    function go(step, quietly) {
      at = Math.min(Math.max(step, 0), last);
      slider.value = String(at);
      slider.setAttribute("aria-valuetext", at ? `Step ${at} of ${last}` : "The start");
      counter.textContent = at ? `Step ${at} of ${last}` : `Start, ${last} step${last === 1 ? "" : "s"}`;
      const focused = document.activeElement;
      first.disabled = back.disabled = at === 0;
      forward.disabled = end.disabled = at === last;
      // A button that has just been switched off would take the keyboard away with it.
      if (focused && focused.disabled && host.contains(focused)) slider.focus();
      marks.forEach((mark, n) => {
        mark.classList.toggle("done", n + 1 < at);
        if (n + 1 === at) mark.setAttribute("aria-current", "step");
        else mark.removeAttribute("aria-current");
      });
      says.replaceChildren(...sentence());
      changes.replaceChildren(...changeTables());
      if (whole.open) showWhole();
      showLife();
      watch(host);
      reveal(lanes, marks[at - 1]);
      if (!quietly) moved(at);
    }

    // Where there is more than fits, what matters is brought into sight, sideways; the page itself stays where it is.
    function reveal(region, element) {
      if (!element || region.scrollWidth <= region.clientWidth) return;
      const [inside, outside] = [element.getBoundingClientRect(), region.getBoundingClientRect()];
      region.scrollLeft += inside.left - outside.left - (region.clientWidth - inside.width) / 2;
    }

    const state = make("div", {}, changes, whole);
    const life = make("div", {}, objects, others, shownLives);
    const view = make("div", { class: lives.length ? "view" : "view alone" }, state, ...(lives.length ? [life] : []));
    host.replaceChildren(
      make("div", { class: "controls" }, first, back, forward, end, slider, counter),
      ...(last ? [lanes] : []),
      says,
      view,
    );
    go(0, true);
    return {
      go,
      // Keys that step; true if one was understood.
      key(name) {
        const targets = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
        if (!(name in targets)) return false;
        go(targets[name]);
        return true;
      },
    };
  }

  return { mount, make, watch };
})();
