// Keys of the tree, the same on the map: ↑ ↓ move, → opens or enters, ← closes or leaves, Home, End, letters jump, Enter opens the KPI.
import { plain } from "../../web/src/text.js";

export function walkTree(tree, { shown, toggle, focus, open }) {
  let typed = "",
    timer;
  tree.addEventListener("keydown", async (event) => {
    const node = event.target.closest("[role=treeitem]");
    if (!node || event.target !== node || event.ctrlKey || event.metaKey || event.altKey) return;
    const nodes = shown();
    const at = nodes.indexOf(node);
    const expanded = node.getAttribute("aria-expanded");
    const go = (to) => to && focus(to);
    switch (event.key) {
      case "ArrowDown":
        go(nodes[at + 1]);
        break;
      case "ArrowUp":
        go(nodes[at - 1]);
        break;
      case "Home":
        go(nodes[0]);
        break;
      case "End":
        go(nodes.at(-1));
        break;
      case "ArrowRight":
        if (expanded === "false") await toggle(node, true);
        else if (expanded === "true") go(node.querySelector(":scope > ul > .node"));
        break;
      case "ArrowLeft":
        if (expanded === "true") await toggle(node, false);
        else go(node.parentElement.closest(".node"));
        break;
      case "Enter":
        open(node);
        break;
      default:
        if (event.key.length !== 1) return;
        if (event.key === " " && !typed) {
          event.preventDefault();
          return void toggle(node, expanded !== "true");
        }
        clearTimeout(timer);
        typed += plain(event.key);
        timer = setTimeout(() => (typed = ""), 700);
        go(
          [...nodes.slice(at + (typed.length === 1 ? 1 : 0)), ...nodes].find((one) =>
            plain(one.getAttribute("aria-label")).startsWith(typed),
          ),
        );
    }
    event.preventDefault();
  });
}
