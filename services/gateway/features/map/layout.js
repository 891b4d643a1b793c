// Where the cards of the map stand: d3's tidy tree, one column per layer, heights as they are.
import { hierarchy, tree } from "d3-hierarchy";

const COLUMNS = ["goal", "csf", "company", "department", "individual"];
export const WIDTHS = { goal: 184, csf: 190, company: 212, department: 208, individual: 274 };
const GAP = { goal: 20, csf: 24, company: 24, department: 20, individual: 8 };
export const INDENT = 18;
const BETWEEN = 14; // more between the children of two parents

export const columnOf = (node) => COLUMNS.indexOf(kindOf(node));
export const kindOf = (node) => /k-([a-z]+)/.exec(node.className)?.[1] ?? "";

// `nodes`: the shown cards with {element, kind, height, parent (element of the tree parent)}. Answers positions and the size.
export function layOut(nodes, width) {
  const total = COLUMNS.reduce((sum, kind) => sum + WIDTHS[kind], 0);
  const gap = Math.max(36, (width - total) / (COLUMNS.length - 1));
  const lefts = [];
  let left = 0;
  for (const kind of COLUMNS) {
    lefts.push(left);
    left += WIDTHS[kind] + gap;
  }

  // Goals stand beside the tree, for a success factor may serve several: the tree begins with the success factors.
  const goals = nodes.filter((node) => node.kind === "goal");
  const root = { column: 0, children: [] };
  const items = new Map();
  for (const node of nodes)
    if (node.kind !== "goal")
      items.set(node.element, { node, column: COLUMNS.indexOf(node.kind), height: node.height, children: [] });
  for (const item of items.values()) {
    let above = items.get(item.node.parent) ?? root;
    // What serves a KPI of its own layer stands in the same column, below it and indented.
    if (above !== root && item.column <= above.column) {
      item.indent = (above.indent ?? 0) + INDENT;
      item.column = above.column;
      const siblings = above.parent.children;
      let at = siblings.indexOf(above) + 1;
      while (siblings[at]?.indent > (above.indent ?? 0)) at++;
      siblings.splice(at, 0, item);
      item.parent = above.parent;
      continue;
    }
    // A KPI that skips a layer still stands in its own column: nothing is drawn where it skips.
    for (let column = above.column + 1; column < item.column; column++) {
      const skipped = { column, height: item.height, children: [], parent: above };
      above.children.push(skipped);
      above = skipped;
    }
    above.children.push(item);
    item.parent = above;
  }
  const laid = tree()
    .nodeSize([1, 1])
    .separation((a, b) => {
      const kind = COLUMNS[Math.min(a.depth, COLUMNS.length - 1)];
      return ((a.data.height ?? 0) + (b.data.height ?? 0)) / 2 + GAP[kind] + (a.parent === b.parent ? 0 : BETWEEN);
    })(hierarchy(root, (item) => item.children));

  const places = new Map();
  laid.each((at) => {
    if (at.data.node)
      places.set(at.data.node.element, {
        x: lefts[at.data.column] + (at.data.indent ?? 0),
        y: at.x - at.data.height / 2,
        height: at.data.height,
        indent: at.data.indent ?? 0,
      });
  });
  placeGoals(goals, places, lefts[0], nodes);

  let top = Infinity,
    bottom = 0;
  for (const place of places.values()) {
    top = Math.min(top, place.y);
    bottom = Math.max(bottom, place.y + place.height);
  }
  for (const place of places.values()) place.y -= top;
  return { places, lefts, width: left - gap, height: Number.isFinite(top) ? bottom - top : 0 };
}

// Goals in the middle of what serves them, one below the other.
function placeGoals(goals, places, x, nodes) {
  if (!goals.length) return;
  const middle = (goal) => {
    const served = nodes
      .filter((node) => node.parents.includes(goal.element.id))
      .map((node) => places.get(node.element))
      .filter(Boolean);
    return served.length ? served.reduce((sum, place) => sum + place.y + place.height / 2, 0) / served.length : 0;
  };
  const middles = new Map(goals.map((goal) => [goal, middle(goal)]));
  const height = goals.reduce((sum, goal) => sum + goal.height + GAP.goal, -GAP.goal);
  let y = goals.reduce((sum, goal) => sum + middles.get(goal), 0) / goals.length - height / 2;
  for (const goal of goals) {
    places.set(goal.element, { x, y, height: goal.height });
    y += goal.height + GAP.goal;
  }
}
