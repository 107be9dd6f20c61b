/** What there is at one moment: every namespace side by side, peer groups, and what has gone. */

import { useId, useState } from "react";
import type { Frame } from "../model/frame.ts";
import { changeWords, groupWords, type PropagationKind } from "../model/words.ts";
import { groupsOf, type World } from "../model/world.ts";
import { GlyphIcon } from "./Glyph.tsx";
import { groupClass, TreeDrawing } from "./TreeDrawing.tsx";

const kinds: readonly { readonly kind: PropagationKind; readonly text: string }[] = [
  { kind: "shared", text: "shared: sends and receives" },
  { kind: "slave", text: "slave: receives" },
  { kind: "shared slave", text: "both" },
  { kind: "private", text: "private: neither" },
  { kind: "unbindable", text: "unbindable: private, and not to be copied" },
];

function Legend() {
  return (
    <ul className="legend">
      {kinds.map(({ kind, text }) => (
        <li key={kind}>
          <GlyphIcon kind={kind} /> {text}
        </li>
      ))}
      <li>
        <span aria-hidden="true">⌂</span> root of a process
      </li>
      <li>
        <span aria-hidden="true">➤</span> its working directory (cwd)
      </li>
      <li>
        <code>⊂ /dir</code> shows this directory of its file system, and not the whole
      </li>
      <li>
        <code>ro</code> read-only
      </li>
      <li>
        <code>on top</code> covers what is mounted at the same place
      </li>
      <li>
        <code>locked</code> from a more privileged namespace: may not be taken away
      </li>
    </ul>
  );
}

type GroupsProps = {
  readonly world: World;
  readonly lit: number | null;
  readonly onLight: (group: number | null) => void;
};

function Groups({ world, lit, onLight }: GroupsProps) {
  const title = useId();
  const groups = groupsOf(world);
  if (groups.length === 0)
    return <p className="groups-none">No peer groups: every mount is private.</p>;
  return (
    <div className="groups">
      <span id={title}>Peer groups</span>
      <ul aria-labelledby={title}>
        {groups.map((group) => (
          <li key={group}>
            <button
              type="button"
              className={`group ${groupClass(group)}`}
              aria-pressed={lit === group}
              onClick={() => onLight(lit === group ? null : group)}
            >
              {group}
            </button>
          </li>
        ))}
      </ul>
      <p className="groups-told" aria-live="polite">
        {lit === null || !groups.includes(lit)
          ? "Press a number to see who is in it."
          : `Group ${lit}: ${groupWords(world, lit)}`}
      </p>
    </div>
  );
}

export type StageProps = {
  readonly frame: Frame;
  /** Something was done to come here; there is a difference to tell of. */
  readonly isAfter: boolean;
};

export function Stage({ frame, isAfter }: StageProps) {
  const [lit, setLit] = useState<number | null>(null);
  const { world, changes, ps } = frame;
  return (
    <div className="stage">
      <div className="trees">
        {world.map((namespace) => (
          <TreeDrawing key={namespace.key} namespace={namespace} changes={changes} lit={lit} />
        ))}
      </div>
      {isAfter ? (
        <p className="changes">
          <strong>This step:</strong> {changeWords(changes)}
          {changes.gone.length === 0
            ? null
            : ` Gone: ${changes.gone.map(({ path, type }) => `${path} (${type})`).join(", ")}.`}
        </p>
      ) : null}
      {ps === null ? null : (
        <figure className="screen">
          <figcaption>What ps says in the box</figcaption>
          <pre>{ps.join("\n")}</pre>
        </figure>
      )}
      <Groups world={world} lit={lit} onLight={setLit} />
      <details className="legend-fold">
        <summary>What the shapes mean</summary>
        <Legend />
      </details>
    </div>
  );
}
