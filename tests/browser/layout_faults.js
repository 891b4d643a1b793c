// What somebody would see at a glance to be wrong with a page as it is drawn: answers a list of sentences.
() => {
  const found = new Set();
  const width = document.documentElement.clientWidth;
  const style = (e) => getComputedStyle(e);
  const seen = (e) => e.getClientRects().length > 0 && style(e).visibility !== "hidden";
  const scrolls = (e) => e.closest(".viewport, .scroll, [data-chart], .hidden-text, .popover, .skip, svg");
  const text = (e) => (e.textContent ?? "").trim().replace(/\s+/g, " ");
  const say = (e, what) => found.add(`${what}: <${e.tagName.toLowerCase()} class="${e.getAttribute("class") ?? ""}"> ${text(e).slice(0, 60)}`);
  const overlap = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;

  if (document.documentElement.scrollWidth > width + 1) found.add(`the page is ${document.documentElement.scrollWidth} px wide`);

  for (const e of document.querySelectorAll("main *, header *")) {
    if (!seen(e) || scrolls(e)) continue;
    const box = e.getBoundingClientRect();
    if (box.right > width + 1 || box.left < -1) say(e, "out of the window");
  }

  // A name that has no room runs down the page, a few letters a line.
  for (const e of document.querySelectorAll(".name, .path-name, .numbers, .status, h1, h2, .person")) {
    if (!seen(e) || e.closest(".hidden-text")) continue;
    const tops = [];
    const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) if (box.width && !tops.some((top) => Math.abs(top - box.top) < 8)) tops.push(box.top);
    }
    if (tops.length > 2 && text(e).length / tops.length < 8) say(e, `${tops.length} lines`);
    const boxed = style(e).display !== "inline" && style(e).overflowX === "visible" && e.clientWidth;
    if (boxed && e.scrollWidth > e.clientWidth + 2) say(e, "wider than its box");
  }

  for (const card of document.querySelectorAll(".card, .row, .panel > li")) {
    const parts = [...card.children].filter((e) => seen(e) && !["absolute", "fixed"].includes(style(e).position));
    parts.forEach((a, n) => {
      for (const b of parts.slice(n + 1)) if (overlap(a.getBoundingClientRect(), b.getBoundingClientRect())) say(b, `over .${a.className}`);
    });
  }
  const cards = [...document.querySelectorAll(".as-map [role=tree] .card")].filter(seen);
  cards.forEach((a, n) => {
    for (const b of cards.slice(n + 1)) if (overlap(a.getBoundingClientRect(), b.getBoundingClientRect())) say(b, "a card over a card");
  });
  return [...found].slice(0, 8);
}
