// Plots as SVG, by hand: a few lines over a logarithmic axis, in colours that follow the reader's theme.

/** One line of a plot. */
export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Point {
  /** From 1 on. */
  readonly x: number;
  readonly y: number;
  /** What most values lie between; absent: not shown. */
  readonly low?: number;
  readonly high?: number;
}

export interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly Line[];
}

const width = 440;
const height = 300;
const margin = { left: 56, right: 16, top: 44, bottom: 48 } as const;
const plotWidth = width - margin.left - margin.right;
const plotHeight = height - margin.top - margin.bottom;

// Of Okabe and Ito: told apart by those who see colours in another way, and on white and black.
const style = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .axis, .grid { stroke: #1f2328; stroke-width: 1; fill: none; }
  .grid { opacity: 0.14; }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .c0 { stroke: #0072b2; } .f0 { fill: #0072b2; }
  .c1 { stroke: #d55e00; } .f1 { fill: #d55e00; }
  .c2 { stroke: #009e73; } .f2 { fill: #009e73; }
  .band { opacity: 0.18; stroke: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .axis, .grid { stroke: #e6edf3; }
    .c0 { stroke: #56b4e9; } .f0 { fill: #56b4e9; }
    .c1 { stroke: #e69f00; } .f1 { fill: #e69f00; }
    .c2 { stroke: #2fd1a2; } .f2 { fill: #2fd1a2; }
  }`;

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const escaped = (text: string): string => text.replace(/[&<>]/g, (each) => escapes[each] ?? each);

/** The least of 1, 2 and 5 times a power of ten that is not below a number. */
export function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((each) => each * power >= value * (1 - 1e-12)) ?? 10;
  return factor * power;
}

/** Numbers of a linear axis from 0 to at least the largest value, four to six steps. */
export function ticksTo(largest: number): number[] {
  const step = niceCeiling(largest / 5);
  const count = Math.ceil(largest / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

const decades = (most: number): number[] => {
  const last = Math.ceil(Math.log10(Math.max(most, 10)) - 1e-9);
  return Array.from({ length: last + 1 }, (_, i) => 10 ** i);
};

const shown = (value: number): string => String(Number(value.toFixed(1)));

function panelAt({ title, xLabel, yLabel, lines }: Panel, left: number): string {
  const all = lines.flatMap(({ points }) => points);
  if (all.length === 0) throw new RangeError(`the plot "${title}" has no points`);
  const xs = decades(Math.max(...all.map(({ x }) => x)));
  const ys = ticksTo(Math.max(...all.map(({ y, high }) => high ?? y)));
  const [xEnd = 10, yEnd = 1] = [xs.at(-1), ys.at(-1)];
  const right = left + margin.left + plotWidth;
  const bottom = margin.top + plotHeight;
  const px = (x: number) => left + margin.left + (Math.log10(x) / Math.log10(xEnd)) * plotWidth;
  const py = (y: number) => bottom - (y / yEnd) * plotHeight;
  const at = (x: number, y: number) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`;
  const parts = [
    `<text class="title" x="${left + margin.left}" y="20">${escaped(title)}</text>`,
    `<text x="${left + margin.left}" y="36">${escaped(yLabel)}</text>`,
    `<text x="${right}" y="${bottom + 40}" text-anchor="end">${escaped(xLabel)}</text>`,
    ...ys.map(
      (y) =>
        `<path class="grid" d="M${left + margin.left} ${py(y).toFixed(1)}H${right}"/>` +
        `<text x="${left + margin.left - 8}" y="${(py(y) + 4).toFixed(1)}" text-anchor="end">${shown(y)}</text>`,
    ),
    ...xs.map(
      (x) =>
        `<path class="grid" d="M${px(x).toFixed(1)} ${margin.top}V${bottom}"/>` +
        `<text x="${px(x).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${x}</text>`,
    ),
    `<path class="axis" d="M${left + margin.left} ${margin.top}V${bottom}H${right}"/>`,
  ];
  lines.forEach(({ name, points }, i) => {
    const up = points.map(({ x, y, high }) => at(x, high ?? y));
    const down = points.map(({ x, y, low }) => at(x, low ?? y)).toReversed();
    parts.push(
      `<polygon class="band f${i}" points="${[...up, ...down].join(" ")}"/>`,
      `<polyline class="line c${i}" points="${points.map(({ x, y }) => at(x, y)).join(" ")}"/>`,
      ...points.map(
        ({ x, y }) =>
          `<circle class="f${i}" cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="3">` +
          `<title>${escaped(name)}, ${x}: ${shown(y)}</title></circle>`,
      ),
      `<path class="line c${i}" d="M${right - 84} ${16 + 16 * i}h18"/>`,
      `<text x="${right - 60}" y="${20 + 16 * i}">${escaped(name)}</text>`,
    );
  });
  return `<g>${parts.join("\n")}</g>`;
}

/**
 * Panels beside each other. Each has a logarithmic x axis from 1 and a y axis from 0.
 *
 * @param description for those who do not see it
 * @throws RangeError for a panel without points
 */
export function plotSvg(panels: readonly Panel[], description: string): string {
  const total = width * panels.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${height}" width="${total}" height="${height}" role="img">`,
    `<title>${escaped(description)}</title>`,
    `<style>${style}</style>`,
    ...panels.map((panel, i) => panelAt(panel, width * i)),
    "</svg>",
    "",
  ].join("\n");
}
