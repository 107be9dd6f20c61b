/** One mount namespace: its tree as a drawing, and the same in words. */

import { useId } from "react";
import type { Change, Changes } from "../model/changes.ts";
import { kindOf, mountWords, namespaceWords, propagationLabel } from "../model/words.ts";
import type { DrawnMount, DrawnNamespace } from "../model/world.ts";
import { Glyph } from "./Glyph.tsx";
import { type Badge, badgeHeight, type Card, type Layout, layOut } from "./layout.ts";
import { useWidth } from "./use-width.ts";

/** Before the page has been measured, and where it never is. */
const unmeasured = 420;

/** Of a monospaced letter, in its font's size: none of the common fonts is wider. */
const letter = 0.61;

/** What fits; the middle goes, since both ends tell more. */
function shortened(text: string, pixels: number, size: number): string {
  const fits = Math.max(4, Math.floor(pixels / (size * letter)));
  if (text.length <= fits) return text;
  const head = Math.ceil((fits - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (fits - 1 - head))}`;
}

/** Peer groups have eight colours; more than that share them, and have numbers. */
export const groupClass = (group: number | null): string =>
  group === null ? "group-none" : `group-${group % 8}`;

const details = ({ type, root, readOnly, locked }: DrawnMount, stacked: boolean): string =>
  [
    type,
    root === "/" ? [] : [`⊂ ${root}`],
    readOnly ? ["ro"] : [],
    locked ? ["locked"] : [],
    stacked ? ["on top"] : [],
  ]
    .flat()
    .join(" · ");

const badgeMarks: Readonly<Record<Badge["kind"], string>> = { root: "⌂", cwd: "➤", both: "⌂➤" };

const changeMarks: Readonly<Record<Change, string>> = {
  new: "+ new",
  moved: "↕ moved",
  changed: "≠ changed",
};

type CardProps = {
  readonly card: Card;
  readonly change: Change | undefined;
  readonly lit: boolean;
};

function MountCard({ card, change, lit }: CardProps) {
  const { mount, x, y, width, height, badges, stacked } = card;
  const kind = kindOf(mount);
  const label = propagationLabel(mount);
  const inner = width - 20;
  const mark = change === undefined ? 0 : (change.length + 3) * 11 * letter + 8;
  const labelWidth = label.length * 12 * letter;
  const classes = [
    "mount",
    groupClass(mount.group ?? mount.master),
    `kind-${kind.replace(" ", "-")}`,
    change === undefined ? "" : "is-changed",
    change === "new" ? "is-new" : "",
    lit ? "is-lit" : "",
  ];
  return (
    <g className={classes.join(" ")} style={{ transform: `translate(${x}px, ${y}px)` }}>
      <title>{`${mount.path} · ${mount.type} ${mount.source} · ${label}`}</title>
      <rect className="card" x={0.5} y={0.5} width={width - 1} height={height - 1} rx={6} />
      <rect className="bar" x={0.5} y={0.5} width={5} height={height - 1} rx={2.5} />
      <text className="path" x={14} y={18}>
        {shortened(mount.path, inner - mark, 13)}
      </text>
      {change === undefined ? null : (
        <text className="change" x={width - 8} y={18} textAnchor="end">
          {changeMarks[change]}
        </text>
      )}
      <g transform="translate(14 25)">
        <Glyph kind={kind} />
      </g>
      <text className="label" x={36} y={37}>
        {label}
      </text>
      <text className="details" x={36 + labelWidth + 9} y={37}>
        {shortened(details(mount, stacked), inner - 30 - labelWidth - 9, 12)}
      </text>
      {badges.map((badge, index) => (
        <text
          key={badge.text}
          className={`badge badge-${badge.kind}`}
          x={14}
          y={58 + index * badgeHeight}
        >
          {shortened(`${badgeMarks[badge.kind]} ${badge.text}`, inner, 12)}
        </text>
      ))}
    </g>
  );
}

function Drawing({
  layout,
  changes,
  lit,
}: {
  readonly layout: Layout;
  readonly changes: Changes;
  readonly lit: number | null;
}) {
  return (
    <>
      {layout.links.map(({ key, fromX, fromY, toX, toY }) => (
        <path key={key} className="link" d={`M${fromX} ${fromY}V${toY}H${toX}`} />
      ))}
      {layout.cards.map((card) => (
        <MountCard
          key={card.mount.id}
          card={card}
          change={changes.byMount.get(card.mount.id)}
          lit={lit !== null && (card.mount.group === lit || card.mount.master === lit)}
        />
      ))}
    </>
  );
}

export type TreeDrawingProps = {
  readonly namespace: DrawnNamespace;
  readonly changes: Changes;
  /** The peer group to be shown in particular. */
  readonly lit: number | null;
};

export function TreeDrawing({ namespace, changes, lit }: TreeDrawingProps) {
  const [ref, measured] = useWidth<HTMLDivElement>();
  const layout = layOut(namespace, Math.max(160, measured ?? unmeasured));
  const label = useId();
  return (
    <figure className="tree" aria-labelledby={label}>
      <figcaption id={label}>{namespace.title}</figcaption>
      <div ref={ref} className="tree-paper">
        <svg
          role="img"
          aria-label={namespaceWords(namespace)}
          width={layout.width}
          height={layout.height}
          viewBox={`0 0 ${layout.width} ${layout.height}`}
        >
          <Drawing layout={layout} changes={changes} lit={lit} />
        </svg>
      </div>
      <ul className="visually-hidden">
        {namespace.mounts.map((mount) => (
          <li key={mount.id}>{mountWords(mount, namespace, changes)}</li>
        ))}
      </ul>
    </figure>
  );
}
