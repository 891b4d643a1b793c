// The trend of a KPI: values, the stepped target, the pace that it needs, and a bead of confidence per update.
import { LineChart, ScatterChart } from "echarts/charts";
import { AriaComponent, GridComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { all, one } from "../../web/src/dom.js";

// Canvas, not SVG, and a tooltip that is drawn: both keep to a policy that allows no inline style.
echarts.use([LineChart, ScatterChart, GridComponent, TooltipComponent, AriaComponent, CanvasRenderer]);

const DAY = 86_400_000;
const at = (day) => Date.parse(`${day}T00:00:00Z`);

/** @param {HTMLElement} place */
function draw(place) {
  const data = JSON.parse(place.dataset.chart ?? "");
  place.hidden = false;
  const button = one(document, "[data-table]");
  const table = document.getElementById(button?.dataset.table ?? "");
  if (button && table) {
    const show = (on) => {
      table.hidden = !on;
      button.setAttribute("aria-expanded", String(on));
    };
    button.hidden = false;
    show(false);
    button.addEventListener("click", () => show(table.hidden));
  }
  const chart = echarts.init(place, null, { renderer: "canvas" });
  const render = () => chart.setOption(option(data, place), true);
  render();
  document.fonts?.ready.then(render);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", render);
  new ResizeObserver(() => {
    chart.resize();
    render();
  }).observe(place);
}

function option(data, place) {
  const style = getComputedStyle(place);
  const token = (name) => style.getPropertyValue(`--n-${name}`).trim();
  const narrow = place.clientWidth < 480;
  const font = { fontFamily: style.fontFamily, fontSize: 12, color: token("ink-2") };
  const number = (value) => {
    if (Math.abs(value) >= 1e18) return value.toExponential(1).replace(".", data.decimal);
    const [size, word] = data.scales.find(([size]) => Math.abs(value) >= size) ?? [1, ""];
    return String(Math.round((value / size) * 100) / 100).replace(".", data.decimal) + word;
  };
  const starts = at(data.starts),
    ends = at(data.ends);
  const values = data.values.map(([day, value, label]) => ({ value: [at(day), value], label }));
  const targets = data.targets.map(([day, target]) => [at(day), target]);
  if (targets.length) targets.push([ends, targets.at(-1)[1]]);
  const line = { type: "line", symbol: "none", silent: true, animation: false, z: 2 };
  const beadTone = (n) => (n <= 3 ? "risk" : n <= 5 ? "behind" : "ontrack");
  const beads = data.confidence.map(([day, confidence, label]) => ({
    value: [at(day), 0, confidence],
    name: label,
    itemStyle: {
      color: token(`${beadTone(confidence)}-bg`),
      borderColor: token(beadTone(confidence)),
      borderWidth: 1.5,
    },
    label: { color: token(`${beadTone(confidence)}-fg`) },
  }));
  const longest = Math.max(...[...data.values, ...data.targets].map(([, value]) => number(value).length), 4);
  const left = Math.max(narrow ? 34 : 44, longest * 7 + 10),
    right = narrow ? 14 : 24;
  const beadDays = new Map(data.confidence.map(([day, , label]) => [at(day), label]));
  /** @type {object[]} */
  const series = [
    { ...line, name: data.words.target, step: "end", data: targets, lineStyle: { color: token("behind"), width: 1.5 } },
    {
      type: "line",
      name: data.words.value,
      data: values,
      symbol: "circle",
      symbolSize: 7,
      animation: false,
      z: 4,
      lineStyle: { color: token("brand"), width: 2.5 },
      itemStyle: { color: token("brand") },
      areaStyle: { color: token("brand"), opacity: 0.07, origin: "start" },
    },
  ];
  if (data.replaced.length) {
    series.push({
      type: "scatter",
      name: data.words.replaced,
      data: data.replaced.map(([day, value, label]) => ({ value: [at(day), value], label })),
      symbol: "path://M0 0L10 10M10 0L0 10",
      symbolSize: 8,
      animation: false,
      z: 3,
      itemStyle: { color: "transparent", borderColor: token("ink-3"), borderWidth: 1.5 },
    });
  }
  if (data.forecast.length) {
    const [day, value, ahead] = data.forecast;
    series.push({
      ...line,
      name: data.words.forecast,
      data: [
        [at(day), value],
        [ends, ahead],
      ],
      z: 3,
      lineStyle: { color: token("brand"), width: 2, type: "dashed" },
    });
  }
  // The pace bends where the target did: from where it should have been by then to the new target.
  if (data.pace && targets.length) {
    let from = [starts, data.baseline];
    data.targets.forEach(([, target], index) => {
      const next = data.targets[index + 1];
      const until = next ? at(next[0]) : ends;
      const value = from[1] + ((target - from[1]) * (until - from[0])) / Math.max(ends - from[0], DAY);
      series.push({
        ...line,
        name: data.words.pace,
        data: [from, [until, value]],
        lineStyle: { color: token("ink-3"), width: 1.2, type: "dashed" },
        endLabel: next
          ? undefined
          : {
              show: !narrow,
              formatter: data.words.pace,
              ...font,
              align: "right",
              verticalAlign: "top",
              padding: [20, 0, 0, 0],
            },
      });
      from = next ? [until, data.baseline + ((next[1] - data.baseline) * (until - starts)) / (ends - starts)] : from;
    });
  }
  for (const change of data.changes) {
    const step = targets.find(([day]) => day === at(change.day));
    const index = targets.indexOf(step);
    const above = targets[index - 1]?.[1] ?? step[1];
    series.push({
      type: "scatter",
      silent: true,
      symbolSize: 0.1,
      data: [[step[0], (above + step[1]) / 2]],
      animation: false,
      z: 6,
      label: {
        show: true,
        formatter: change.label,
        position: "left",
        ...font,
        fontSize: 11,
        fontWeight: 600,
        color: token("behind-fg"),
        backgroundColor: token("behind-bg"),
        borderRadius: 10,
        padding: [5, 10],
        lineHeight: 13,
        distance: 8,
      },
    });
  }
  if (beads.length) {
    series.push({
      type: "line",
      xAxisIndex: 1,
      yAxisIndex: 1,
      name: data.words.confidence,
      data: beads,
      symbol: "circle",
      symbolSize: narrow ? 21 : 25,
      animation: false,
      lineStyle: { color: token("line"), width: 1 },
      label: {
        show: true,
        position: "inside",
        formatter: (p) => String(p.value[2]),
        ...font,
        fontSize: 11,
        fontWeight: 700,
      },
    });
  }
  const gone = [...data.replaced.map(([, value]) => value), ...data.forecast.slice(1)];
  const lowest = Math.min(data.baseline, ...gone, ...values.map((v) => v.value[1]), ...targets.map((t) => t[1]));
  const highest = Math.max(...gone, ...values.map((v) => v.value[1]), ...targets.map((t) => t[1]));
  const rate = lowest > 0 && lowest > highest * 0.4;
  const ends_ = [starts, ends];
  return {
    textStyle: font,
    grid: [
      { left, right, top: 14, height: beads.length ? 196 : 240 },
      { left, right, top: 248, height: 40 },
    ],
    xAxis: [
      {
        type: "time",
        min: starts,
        max: ends,
        axisLine: { lineStyle: { color: token("line-strong") } },
        axisTick: { show: false },
        axisLabel: beads.length
          ? { show: false }
          : {
              ...font,
              customValues: ends_,
              formatter: (day) => label(data, day),
              alignMinLabel: "left",
              alignMaxLabel: "right",
            },
        splitLine: { show: false },
      },
      {
        gridIndex: 1,
        type: "time",
        min: starts,
        max: ends,
        axisLine: { show: false },
        axisTick: { show: false },
        splitLine: { show: false },
        position: "bottom",
        axisLabel: {
          ...font,
          fontSize: 11,
          show: beads.length > 0,
          hideOverlap: true,
          customValues: [...beadDays.keys()],
          formatter: (day) => beadDays.get(day) ?? label(data, day),
        },
      },
    ],
    yAxis: [
      {
        type: "value",
        splitNumber: 4,
        scale: rate,
        axisLabel: { ...font, formatter: (value) => number(value) + data.words.unit },
        splitLine: { lineStyle: { color: token("line") } },
      },
      {
        gridIndex: 1,
        show: true,
        min: -1,
        max: 1,
        axisLine: { show: false },
        axisLabel: { show: false },
        axisTick: { show: false },
        splitLine: { show: false },
        name: beads.length ? data.words.confidence : "",
        nameLocation: "end",
        nameGap: 2,
        nameTextStyle: { ...font, fontSize: 11, align: "left", padding: [0, 0, 0, 0] },
      },
    ],
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      backgroundColor: token("surface"),
      borderColor: token("line-strong"),
      textStyle: font,
      formatter: (p) =>
        p.data?.label && typeof p.data.label === "string"
          ? `${label(data, p.value[0])}: ${p.data.label}`
          : p.name || "",
    },
    aria: { enabled: false },
    series,
  };
}

function label(data, day) {
  return data.days[new Date(day).toISOString().slice(0, 10)] ?? "";
}

for (const place of all(document, "[data-chart]")) draw(place);
